/**
 * Which addresses are told to others and which of theirs are tried.
 *
 * 127.0.0.1 means another computer to everybody who hears it, so it is neither announced nor tried, unless this node
 * can be reached in no other way: then all its peers share its computer.
 */
import { isLoopback } from '@libp2p/utils'
import {
  CODE_IP4,
  CODE_IP6,
  CODE_P2P,
  CODE_TCP,
  multiaddr,
  type Multiaddr
} from '@multiformats/multiaddr'
import { InvalidOptionError } from '../../shared/errors.ts'

/** The address, or null if it is none. */
export function parseAddress(text: string): Multiaddr | null {
  try {
    return multiaddr(text)
  } catch {
    return null
  }
}

/**
 * A setting's address.
 *
 * @throws InvalidOptionError naming the option
 */
export function requireAddress(option: string, text: string): Multiaddr {
  const address = parseAddress(text)
  if (address !== null) return address
  throw new InvalidOptionError(
    `${option}: ${JSON.stringify(text)} is not a multiaddr; one looks like /ip4/192.168.1.5/tcp/4001`
  )
}

/** The peer id that an address ends in, or null. */
export function peerIn(address: Multiaddr): string | null {
  return address.getComponents().findLast(part => part.code === CODE_P2P)?.value ?? null
}

/** The address without a peer id. */
export function withoutPeer(address: Multiaddr): Multiaddr {
  return peerIn(address) === null ? address : address.decapsulateCode(CODE_P2P)
}

/** Where to listen: a wildcard is narrowed to the one interface that discovery may use, if there is such a rule. */
export function listenAddresses(listen: readonly string[], only: string | null): string[] {
  return listen.map(text => {
    const address = requireAddress('listen', text)
    return only !== null && hostOf(address) === '0.0.0.0'
      ? text.replace('/ip4/0.0.0.0', `/ip4/${only}`)
      : text
  })
}

/** Of our own addresses, those that others are told. */
export function announced(addresses: readonly Multiaddr[], only: string | null): Multiaddr[] {
  const there = addresses.filter(address => only !== null && hostOf(address) === only)
  if (there.length > 0) return there
  const outside = addresses.filter(address => !isLoopback(address))
  return outside.length > 0 ? outside : [...addresses]
}

/** Whether all addresses are on the loopback interface. */
export function onlyLoopback(addresses: readonly Multiaddr[]): boolean {
  return addresses.every(address => isLoopback(address))
}

/**
 * Whether an address that was announced is worth trying: an IP address and a port. A name would make us ask the
 * resolver that the announcement chooses.
 */
export function worthTrying(address: Multiaddr, alsoLoopback: boolean): boolean {
  const [host, port, ...more] = address.getComponents()
  const isPlain = hostOf(address) === host?.value && port?.code === CODE_TCP && more.length === 0
  return isPlain && (alsoLoopback || !isLoopback(address))
}

export function hostOf(address: Multiaddr): string | undefined {
  return address.getComponents().find(part => part.code === CODE_IP4 || part.code === CODE_IP6)
    ?.value
}
