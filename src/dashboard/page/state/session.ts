/**
 * The right of this page to ask. The link that opened it has a code in its fragment, which no server and no log sees;
 * the code is exchanged for a token, and the token is in the session storage of this tab: a reload goes on with it, and
 * pages of other ports of this computer cannot read it, as they could read a cookie.
 */
import { signal } from '@preact/signals'

const TOKEN = 'hearsay-token'

/** `none`: a new link is needed. */
export const session = signal<'opening' | 'open' | 'none'>('opening')
/** Why there is none, in the server's words. */
export const sessionTrouble = signal<string | null>(null)

/** Takes the code out of the address, so that it is in no history, and hands it in. */
export async function openSession(): Promise<void> {
  const [, code] = /^#code=([\w-]+)$/.exec(location.hash) ?? []
  if (code !== undefined) {
    history.replaceState(null, '', location.pathname + location.search)
    const problem = await exchange(code)
    sessionTrouble.value = problem
  }
  session.value = sessionStorage.getItem(TOKEN) === null ? 'none' : 'open'
}

export function authorization(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN)
  return token === null ? {} : { authorization: `Bearer ${token}` }
}

/** The server knows the token no more: it has been started anew. */
export function loseSession(why: string): void {
  sessionStorage.removeItem(TOKEN)
  sessionTrouble.value = why
  session.value = 'none'
}

/** Null if all went well. */
async function exchange(code: string): Promise<string | null> {
  try {
    const response = await fetch('/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code })
    })
    const answer = (await response.json()) as { token?: string; error?: { message: string } }
    if (answer.token === undefined) return answer.error?.message ?? 'the link was refused'
    sessionStorage.setItem(TOKEN, answer.token)
    return null
  } catch {
    return '"hearsay dashboard" does not answer any more: start it again'
  }
}
