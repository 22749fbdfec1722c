/**
 * Who takes text apart stands in the table of parsers, where its time is measured: a new one can't be forgotten.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { OWN_TEXT_ONLY, PARSERS } from '../../bench/worst-input/parsers.ts'

const SOURCES = join(fileURLToPath(new URL('../../../', import.meta.url)), 'src')
/** Everything but the command line and the configuration, which read what an operator has written. */
const FOLDERS = 'auth cache contract http lib ops processes stores upstream wire'.split(' ')

/** A regular expression: after an operator, an opening bracket or a keyword, there is no division. */
const LITERAL =
  /(?:^|[=(,:!&|?{;[]|\breturn)\s*(\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*)/gm
/** What is in brackets or escaped repeats nothing. */
const NO_OPERATOR = /\\.|\[(?:[^\]\\]|\\.)*\]/g
const REPEATS = /[*+]|\{\d+,/
/** What goes through a text, or makes something of it, in a time that depends on its length. */
const TAKES_APART =
  /\.(?:split|indexOf|lastIndexOf|search|match|matchAll|exec|replace|replaceAll|charCodeAt|codePointAt)\(|\bnew RegExp\(|\bJSON\.parse\(|\bDate\.parse\(|\bBigInt\(|\bdecodeURI|\bpartsOf\(/

function takesApart(source: string): boolean {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const repeats = [...code.matchAll(LITERAL)].some(([, pattern = '']) =>
    REPEATS.test(pattern.replace(NO_OPERATOR, 'x')),
  )
  return repeats || TAKES_APART.test(code)
}

function sourcesOf(folder: string): string[] {
  return readdirSync(join(SOURCES, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`)
}

const isTakingApart = (file: string): boolean =>
  takesApart(readFileSync(join(SOURCES, file), 'utf8'))

t.test('each file that takes text apart is in the table, or says whose text it is', async (t) => {
  const listed = new Set([...PARSERS.flatMap(({ files }) => files), ...Object.keys(OWN_TEXT_ONLY)])
  const found = FOLDERS.flatMap(sourcesOf).filter(isTakingApart)
  t.ok(found.length > 20, 'files were found at all')
  t.strictSame(
    found.filter((file) => !listed.has(file)),
    [],
    'add what is found to the table in bench/worst-input',
  )
})

t.test('the table names files that there are', async (t) => {
  for (const file of PARSERS.flatMap(({ files }) => files))
    t.ok(existsSync(join(SOURCES, file)), file)
  for (const file of Object.keys(OWN_TEXT_ONLY)) t.ok(isTakingApart(file), file)
})

t.test('what takes text apart is recognised', async (t) => {
  for (const code of [
    'const A = /a+/',
    'if (/^[a]*$/.test(text)) x()',
    'return /(?:a{2,})/i.test(text)',
    'const B =\n  /a(b)*/y',
    "text.split(',')",
    'for (;;) at = text.indexOf(x, at)',
    'new RegExp(pattern)',
    'JSON.parse(text)',
  ]) {
    t.ok(takesApart(code), code)
  }
  for (const code of [
    '// a/b*c/d',
    '/** split(, */',
    'a = b / c * d / e',
    '/[*+]/.test(a)',
    '/a\\*/.test(a)',
  ]) {
    t.notOk(takesApart(code), code)
  }
})
