/** Files of TLS, as metrics and log lines name them; `server`: certificate and key together. A closed vocabulary. */
export type TlsFile = 'server' | 'upstream-ca' | 'redis-ca'
