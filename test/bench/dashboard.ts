/**
 * What the page of `hearsay dashboard` costs where there are a hundred thousand open tasks: how soon it shows something,
 * the memory of the page, how a list of all of them scrolls, and what one open page takes of the node.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import type { BatchLine } from '../../src/api/batch.ts'
import { Client } from '../../src/api/client.ts'
import { newKey } from '../../src/key.ts'
import { browserPath, DESKTOP, launch } from '../dashboard/page/browser.ts'
import { DashboardProcess } from '../dashboard/page/dashboards.ts'
import { until } from '../support/until.ts'
import { figure, type Row } from './figures.ts'
import { usageOf } from './usage.ts'

const TASKS = 100_000
const TYPES = ['render', 'summarise', 'transcribe', 'upload', 'parse']
const SCROLL_MS = 5000
const SCROLL_STEP = 240
const WATCH_MS = 20_000
const SLOW_MS = 120_000
const MIB = 1024 * 1024
const hearsay = fileURLToPath(new URL('../../bin/hearsay.js', import.meta.url))

export async function dashboard(say: (text: string) => void, reps: number): Promise<Row[]> {
  if (browserPath === null) {
    say('there is no chromium here: the page cannot be measured')
    return []
  }
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-bench-'))
  const args = [hearsay, 'start', '--json', '--cluster', 'bench', '--computer', 'bench']
  const where = [
    '--instance',
    '1',
    '--data',
    folder,
    '--no-mdns',
    '--listen',
    '/ip4/127.0.0.1/tcp/0'
  ]
  const env = { PATH: process.env['PATH'], HOME: folder, HEARSAY_KEY: newKey() }
  const node = spawn(process.execPath, [...args, ...where], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env
  })
  try {
    await once(node.stdout, 'data')
    const client = await Client.open({ data: folder })
    for await (const answer of client.submitMany(lines())) {
      if ('error' in answer) throw new Error(answer.error.message)
    }
    say(`${TASKS} tasks are there`)
    const measured: Measured[] = []
    for (let n = 0; n < reps; n++) measured.push(await measure(folder, node.pid!, say))
    return rowsOf(measured)
  } finally {
    node.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}

/** They never begin, so that all of them stay open. */
// oxlint-disable-next-line typescript/require-await -- a batch is read as it comes
async function* lines(): AsyncGenerator<BatchLine> {
  for (let line = 0; line < TASKS; line++) {
    const type = TYPES[line % TYPES.length]!
    yield { line, type, payload: { n: line }, options: { delay: '10d', tags: ['bench'] } }
  }
}

type Measured = Readonly<{
  paintMs: number
  rowsMs: number
  heapMiB: number
  frames: number
  nodePercent: number
}>

async function measure(
  folder: string,
  pid: number,
  say: (text: string) => void
): Promise<Measured> {
  const served = await DashboardProcess.start(folder)
  const browser = await launch()
  try {
    const page = await (await browser.newContext({ viewport: DESKTOP })).newPage()
    page.setDefaultTimeout(SLOW_MS)
    await page.goto((await served.newLink()).replace('/#', '/tasks#'))
    await page.waitForSelector('.list-body .row .mark')
    const rowsMs = await page.evaluate<number>('performance.now()')
    const paintMs = await page.evaluate<number>(
      `performance.getEntriesByName('first-contentful-paint')[0].startTime`
    )
    const frames = await scroll(page)
    await page.evaluate('scrollTo(0, document.body.scrollHeight)')
    await until(
      () =>
        page.evaluate<boolean>(
          `document.querySelector('.row[aria-rowindex="${TASKS + 1}"] .mark') !== null`
        ),
      'all rows to be loaded',
      SLOW_MS
    )
    const heapMiB = await heapOf(page)
    say('the list is measured')
    await page.click('.places a[href="/"]')
    await page.waitForSelector('.stream canvas')
    const before = await usageOf(pid)
    const startedAt = performance.now()
    await sleep(WATCH_MS)
    const cpuMs = (await usageOf(pid)).cpuMs - before.cpuMs
    const nodePercent = (100 * cpuMs) / (performance.now() - startedAt)
    return { paintMs, rowsMs, heapMiB, frames, nodePercent }
  } finally {
    await browser.close()
    await served.stop()
  }
}

/** Frames a second, while the list is scrolled by some rows in each. */
function scroll(page: Page): Promise<number> {
  return page.evaluate<number>(`new Promise(resolve => {
    const began = performance.now()
    let frames = 0
    const next = () => {
      const passed = performance.now() - began
      if (passed > ${SCROLL_MS}) return resolve(1000 * frames / passed)
      frames++
      scrollBy(0, ${SCROLL_STEP})
      requestAnimationFrame(next)
    }
    requestAnimationFrame(next)
  })`)
}

async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize / MIB
}

function rowsOf(all: readonly Measured[]): Row[] {
  const row = (what: string, bound: string, of: (one: Measured) => number): Row => ({
    what,
    bound,
    measured: figure(all.map(of))
  })
  return [
    row('first paint, ms after the page is asked for', '< 1500', one => one.paintMs),
    row('first rows of the list, ms', '', one => one.rowsMs),
    row('heap of the page with all rows loaded, MiB', '< 100', one => one.heapMiB),
    row('frames a second while the list scrolls', '> 30', one => one.frames),
    row('CPU of the node for one open page, % of a core', '< 5', one => one.nodePercent)
  ]
}
