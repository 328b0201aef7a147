/** How a process of a benchmark answers. It ends with whoever asked. */

/**
 * @typedef {import('../order.ts').Order} Order
 * @typedef {import('../order.ts').Said} Said
 */

/** @returns {import('../order.ts').Used} */
function used() {
  const { user, system } = process.cpuUsage()
  return { cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() }
}

/**
 * Says that it is there, and from then on what it is asked.
 *
 * @param {unknown} ready what others have to know of it
 * @param {{ leave: () => unknown, order: (order: Order) => unknown }} answers
 */
export function serve(ready, { leave, order }) {
  /** @type {(given: Order) => Promise<Said>} */
  const answer = async given => {
    if (given.kind === 'usage') return { value: used() }
    if (given.kind !== 'leave') return { value: await order(given) }
    await leave()
    return { value: null }
  }
  /** @type {(given: Order) => Promise<void>} */
  const onOrder = async given => {
    say(await answer(given).catch(error => ({ error: String(error?.stack ?? error) })))
    if (given.kind === 'leave') process.disconnect()
  }
  process.on('message', given => void onOrder(/** @type {Order} */ (given)))
  // oxlint-disable-next-line no-process-exit -- what it does is of no use to anybody
  process.once('disconnect', () => process.exit())
  say({ ready })
}

/** @param {Said} said */
function say(said) {
  if (process.connected) process.send?.(said)
}
