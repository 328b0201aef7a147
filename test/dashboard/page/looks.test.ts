/**
 * How the page looks, on a screen and on a phone, by day and by night, while six nodes work and one of them is killed:
 * nothing is wider than the window, nothing goes wrong in the browser, nothing is asked of anybody else, and axe finds
 * nothing serious. With PAGE_SCREENSHOTS=DIR the pictures go there, to be looked at; README shows one of them.
 */
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { DESKTOP, openPage, PHONE, type Look } from './browser.ts'
import { unavailable, World } from './world.ts'

/** Loading, drawing and examining ten views on a busy machine. */
const slowMs = 180_000
const shots = process.env['PAGE_SCREENSHOTS']
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

const LOOKS: readonly (readonly [string, Look])[] = [
  ['desktop-light', { ...DESKTOP, theme: 'light' }],
  ['desktop-dark', { ...DESKTOP, theme: 'dark' }],
  ['phone-light', { ...PHONE, theme: 'light' }],
  ['phone-dark', { ...PHONE, theme: 'dark' }]
]

/** By name: its address, and what is there when it is whole. */
type Views = Readonly<Record<string, readonly [path: string, whole: string]>>

describe.skipIf(unavailable !== null)('the page', () => {
  let world: World
  let views: Views

  beforeAll(async () => {
    world = await World.start()
    const failed = await world.failed('parse')
    const middle = await world.diamond()
    await world.work(120)
    await world.cluster.kill(5)
    views = {
      home: ['/', '.home:has(.node.is-crashed) canvas'],
      tasks: ['/tasks', '.list-body .row .mark'],
      task: [`/tasks/${failed}`, '.log-entry'],
      waiting: [`/tasks/${middle}`, '.why-words'],
      graph: [`/tasks/${middle}/graph`, 'svg.graph .edge'],
      nodes: ['/nodes', 'tr.is-crashed'],
      node: [`/nodes/${world.cluster.name(0)}`, '.pool-list'],
      events: ['/events', '.panel'],
      doctor: ['/doctor', '.panel'],
      submit: ['/submit', '.submit form']
    }
    if (shots !== undefined) await mkdir(shots, { recursive: true })
  }, slowMs)

  afterAll(() => world?.stop(), slowMs)

  test.each(LOOKS)(
    '%s: fits into the window, and nothing goes wrong',
    async (name, look) => {
      const { page, faults, context } = await openPage(world.browser, look)
      await page.goto(await world.dashboard.newLink())
      await world.work(30)
      for (const [view, [path, whole]] of Object.entries(views)) {
        await visit(page, path, whole)
        if (view === 'home') await hasRuns(page)
        expect(await tooWide(page), view).toBeLessThanOrEqual(0)
        expect(await page.evaluate('document.documentElement.dataset.theme')).toBe(look.theme)
        if (shots === undefined) continue
        const file = join(shots, `${view}-${name}.png`)
        await page.screenshot({ path: file, fullPage: view === 'home' })
      }
      expect(faults).toEqual([])
      await context.close()
    },
    slowMs
  )

  test.each(LOOKS)(
    '%s: axe finds nothing serious',
    async (_, look) => {
      const { page, context } = await openPage(world.browser, look, { bypassCSP: true })
      await page.goto(await world.dashboard.newLink())
      for (const [view, [path, whole]] of Object.entries(views)) {
        await visit(page, path, whole)
        await page.addScriptTag({ path: axe })
        const { violations } = await page.evaluate<AxeResults>('axe.run()')
        const serious = violations.filter(
          ({ impact }) => impact === 'serious' || impact === 'critical'
        )
        expect(serious.map(({ id, nodes }) => [view, id, nodes.map(({ html }) => html)])).toEqual(
          []
        )
      }
      await context.close()
    },
    slowMs
  )
})

/** Goes on within the page, as a link does. */
async function visit(page: Page, path: string, whole: string): Promise<void> {
  await page.waitForSelector('.top')
  await page.evaluate(`
    history.pushState(null, '', ${JSON.stringify(path)})
    dispatchEvent(new PopStateEvent('popstate'))
    scrollTo(0, 0)
  `)
  await page.waitForSelector(whole)
}

/** The task stream shows what has run before the page was opened. */
async function hasRuns(page: Page): Promise<void> {
  await until(
    () => page.evaluate<boolean>(`Number(document.querySelector('canvas')?.dataset.runs) >= 20`),
    'the runs of the last minute to be drawn'
  )
}

async function tooWide(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'))
}
