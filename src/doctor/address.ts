/** The parts of a multiaddr that a person, or a socket, can do something with. */

/** Null if it is not TCP over IPv4. */
export function endpoint(multiaddr: string): { host: string; port: number } | null {
  const [, host, port] = /^\/ip4\/([\d.]+)\/tcp\/(\d+)/.exec(multiaddr) ?? []
  return host === undefined ? null : { host, port: Number(port) }
}

export function isLoopbackHost(host: string): boolean {
  return host.startsWith('127.')
}

/** IPv4 addresses in multiaddrs, without repeats. */
export function hostsOf(multiaddrs: readonly string[]): string[] {
  const hosts = multiaddrs.map(address => endpoint(address)?.host)
  return [...new Set(hosts.filter(host => host !== undefined))]
}
