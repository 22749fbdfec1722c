/**
 * Bytes of TCP connections that the other side has not acknowledged, as Linux lists them (proc_pid_net(5)). Node tells
 * only what it could hand to the kernel, which moves in steps of a third of the kernel's buffer: a megabyte or more.
 */
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

const FILES = ['/proc/net/tcp', '/proc/net/tcp6']
/** `  0: 0100007F:1F43 0100007F:C350 01 00000A2B:00000000 …`: ports, then the queues of sending and receiving. */
const LINE = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):/

/** By the ports of both sides; those of connections that differ in addresses only are summed up. */
export type SendQueues = ReadonlyMap<string, number>

/** As `of` finds them. Empty where the system has no such list. */
export async function readSendQueues(files: readonly string[] = FILES): Promise<SendQueues> {
  const queues = new Map<string, number>()
  for (const file of files) {
    for (const line of (await readFile(file, 'latin1').catch(() => '')).split('\n')) {
      const [, local, remote, queue] = LINE.exec(line) ?? []
      if (local === undefined || remote === undefined || queue === undefined) continue
      const ports = `${Number.parseInt(local, 16)}:${Number.parseInt(remote, 16)}`
      queues.set(ports, (queues.get(ports) ?? 0) + Number.parseInt(queue, 16))
    }
  }
  return queues
}

/** Bytes in the queue of a socket; 0: none, or not known. */
export function queueOf(
  queues: SendQueues,
  { localPort, remotePort }: Pick<Socket, 'localPort' | 'remotePort'>,
): number {
  return queues.get(`${localPort}:${remotePort}`) ?? 0
}
