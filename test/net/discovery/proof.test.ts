/** Only the key makes a proof, and only of what was announced. */
import { expect, test } from 'vitest'
import { Prover } from '../../../src/net/discovery/proof.ts'

const texts = ['dnsaddr=/ip4/10.0.0.1/tcp/1/p2p/z', 'dnsaddr=/ip4/10.0.0.2/tcp/1/p2p/z']
const prover = new Prover(new Uint8Array(32).fill(7))

test('an announcement with its proof is proven, beside whatever else is said', () => {
  expect(prover.isProven(['more=1', ...texts, prover.textFor(texts)])).toBe(true)
})

test.each([
  ['no proof', texts],
  ['the proof of something else', [...texts, prover.textFor(texts.slice(0, 1))]],
  ['the proof of another key', [...texts, new Prover(new Uint8Array(32)).textFor(texts)]],
  ['less than was proven', [texts[0]!, prover.textFor(texts)]],
  ['another peer', [texts[0]!, texts[1]!.replace('/z', '/y'), prover.textFor(texts)]],
  ['half a proof', [...texts, prover.textFor(texts).slice(0, 12)]],
  ['an empty proof', [...texts, 'proof=']]
])('an announcement with %s is not', (_, said) => {
  expect(prover.isProven(said)).toBe(false)
})
