/**
 * What a user does with the page, in a browser, against six nodes: opens it once, looks for tasks, acts on them, and
 * goes on when the node that it asks is cut off, killed and started again.
 */
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { DESKTOP, openPage } from './browser.ts'
import { DashboardProcess } from './dashboards.ts'
import { HOSTILE } from './fixtures/handlers.ts'
import { ASKED, unavailable, uncuttable, World } from './world.ts'

/** A busy machine takes its time for a browser, six nodes and a page. */
const slowMs = 120_000
const waitMs = 30_000

/** Waits for an expression to hold in the page. Not in its own world, where its policy forbids to run a text. */
async function holds(page: Page, expression: string): Promise<void> {
  await until(() => page.evaluate<boolean>(expression), expression, waitMs)
}

describe.skipIf(unavailable !== null)('the page', () => {
  let world: World
  let contexts: BrowserContext[] = []
  /** What went wrong in the page that was opened last. */
  let faults: string[] = []

  beforeAll(async () => {
    world = await World.start(true)
  }, slowMs)

  afterAll(() => world?.stop(), slowMs)

  afterEach(async () => {
    for (const context of contexts) await context.close()
    contexts = []
    expect(faults).toEqual([])
  })

  async function open(path = '', dashboard = world.dashboard): Promise<Page> {
    const opened = await openPage(world.browser, { ...DESKTOP, theme: 'light' })
    contexts.push(opened.context)
    faults = opened.faults
    opened.page.setDefaultTimeout(waitMs)
    const [address = '', code = ''] = (await dashboard.newLink()).split('/#')
    await opened.page.goto(`${address}${path || '/'}#${code}`)
    await opened.page.waitForSelector('.fresh.is-live')
    return opened.page
  }

  async function text(page: Page, selector: string): Promise<string> {
    return (await page.locator(selector).allInnerTexts()).join('\n')
  }

  async function says(page: Page, words: readonly string[]): Promise<void> {
    const said = 'document.querySelector(".sides")?.innerText'
    for (const word of words) await holds(page, `${said}?.includes(${JSON.stringify(word)})`)
  }

  test(
    'a link opens one page; a reload goes on, another tab needs another link',
    async () => {
      const opened = await openPage(world.browser, { ...DESKTOP, theme: 'light' })
      contexts.push(opened.context)
      const { page, context } = opened
      const link = await world.dashboard.newLink()
      await page.goto(link)
      await page.waitForSelector('.fresh.is-live')
      expect(page.url()).not.toContain('code')
      expect(await context.cookies()).toEqual([])
      await page.reload()
      await page.waitForSelector('.fresh.is-live')

      const other = await context.newPage()
      await other.goto(new URL('/tasks', page.url()).href)
      await other.waitForSelector('.closed')
      expect(await text(other, '.closed')).toContain('This page needs a link')
      await other.goto('about:blank')
      await other.goto(link)
      await other.waitForSelector('.closed')
      expect(await text(other, '.closed')).toContain('has been used')
    },
    slowMs
  )

  test(
    'what peers say is text: in types, tags, logs, errors and payloads',
    async () => {
      const { id } = await world.client.submit(
        HOSTILE.slice(0, 80).replaceAll(/[^ -~]/g, ''),
        HOSTILE,
        {
          tags: ['<b>tag</b>']
        }
      )
      const failed = await world.failed('hostile', { text: HOSTILE })
      const page = await open(`/tasks/${failed}`)
      await page.waitForSelector('.log-entry')
      expect(await text(page, '.log')).toContain('<img src=x onerror=')
      expect(await text(page, '.panel.is-error')).toContain('\\u202egnp.exe\\u200f')
      await page.getByRole('button', { name: 'Show it' }).first().click()
      await page.waitForSelector('pre.content')
      await page.goto(`${new URL(page.url()).origin}/tasks/${id}`)
      await page.waitForSelector('.why-words')
      await page.goto(`${new URL(page.url()).origin}/tasks?q=onerror`)
      await page.waitForSelector('.list-body .row')
      const page2 = await open()
      await page2.waitForSelector('.failures li')
      for (const one of [page, page2]) {
        expect(
          await one.evaluate(
            'document.querySelectorAll("main img, main script, main b.tag").length'
          )
        ).toBe(0)
        expect(await one.title()).toContain('hearsay')
        const content = await one.content()
        for (const obeyed of ['\u001b', '\u202e', '\u200f']) expect(content).not.toContain(obeyed)
      }
    },
    slowMs
  )

  test(
    'tasks are found by words and states, in the address, and new ones come in',
    async () => {
      const page = await open('/tasks?state=failed&tag=find-me')
      await page.waitForSelector('.empty')
      const failed: string[] = []
      for (let n = 0; n < 3; n++) {
        const { id } = await world.client.submit(
          'parse',
          { ms: 10 },
          { maxRetries: 0, tags: ['find-me'] }
        )
        failed.push(id)
      }
      await holds(page, 'document.querySelectorAll(".list-body .row .mark.of-failed").length >= 3')
      await page.fill('#search', failed[0]!.slice(-12))
      await holds(page, 'document.querySelectorAll(".list-body .row").length === 1')
      expect(new URL(page.url()).searchParams.get('q')).toBe(failed[0]!.slice(-12))
      await page.reload()
      await holds(page, 'document.querySelectorAll(".list-body .row").length === 1')
      await page.getByRole('button', { name: /^completed/ }).click()
      await page.waitForSelector('.empty')
      await page.goBack()
      await holds(page, 'document.querySelectorAll(".list-body .row").length === 1')
    },
    slowMs
  )

  test(
    'many are cancelled with their number first, and refused if it has changed',
    async () => {
      for (let n = 0; n < 5; n++) {
        await world.client.submit('render', { ms: 10 }, { tags: ['bulk'], delay: '1h' })
      }
      const page = await open('/tasks?tag=bulk')
      await holds(
        page,
        'document.querySelectorAll(".list-body .row .mark.of-delayed").length === 5'
      )
      await page.getByRole('button', { name: 'Cancel all of these …' }).click()
      const act = page.getByRole('button', { name: 'Cancel 5 tasks' })
      await act.waitFor()
      await world.client.submit('render', { ms: 10 }, { tags: ['bulk'], delay: '1h' })
      const asked = await world.cluster.client(ASKED)
      await until(async () => {
        let count = 0
        for await (const _ of asked.list({ tag: 'bulk' })) count++
        return count === 6
      }, 'the sixth to be known')
      await act.click()
      await page.waitForSelector('dialog .trouble')
      expect(await text(page, 'dialog')).toContain('6')
      faults.splice(0)
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Cancel all of these …' }).click()
      await page.getByRole('button', { name: 'Cancel 6 tasks' }).click()
      await holds(page, 'document.querySelector("dialog")?.innerText.includes("6 tasks cancelled")')
      await page.keyboard.press('Escape')
      await holds(
        page,
        'document.querySelectorAll(".list-body .row .mark.of-cancelled").length === 6'
      )
    },
    slowMs
  )

  test(
    'with the keyboard alone: find a task, open it, retry it',
    async () => {
      const failed = await world.failed('parse')
      const page = await open()
      await page.keyboard.press('g')
      await page.keyboard.press('t')
      await page.waitForSelector('.list-body .row')
      await page.keyboard.press('/')
      // News draw the page anew meanwhile, and leave alone what is being typed.
      const news = world.work(30)
      await page.keyboard.type(failed.slice(-12), { delay: 80 })
      await news
      await holds(page, 'document.querySelectorAll(".list-body .row").length === 1')
      await page.keyboard.press('Escape')
      await page.keyboard.press('j')
      await page.waitForSelector('.row.is-here')
      await page.keyboard.press('Enter')
      await page.waitForSelector('.why-words')
      expect(page.url()).toContain(failed)
      await page.keyboard.press('r')
      await page.waitForSelector('.note a')
      await page.keyboard.press('?')
      await page.waitForSelector('dialog[open] .keys')
      await page.keyboard.press('Escape')
      await holds(page, 'document.querySelector("dialog") === null')
    },
    slowMs
  )

  test(
    'a log is followed while the task runs, in colours, and a result comes as a file',
    async () => {
      const { id } = await world.client.submit('render', { ms: 2500, steps: 8 })
      const page = await open(`/tasks/${id}`)
      await page.waitForSelector('.log .ink-2')
      await holds(page, 'document.querySelector(".log").innerText.includes("tile 8 of 8")')
      expect(await text(page, '.log')).toContain('ok tile 8 of 8')
      await page.waitForSelector('.task-head .of-completed')
      const result = page.locator('section', { has: page.getByRole('heading', { name: 'Result' }) })
      const downloading = page.waitForEvent('download')
      await result.getByRole('button', { name: 'download' }).click()
      const download = await downloading
      expect(download.suggestedFilename()).toBe(`${id}-result.json`)
      expect(JSON.parse(await readFile(await download.path(), 'utf8'))).toEqual({ pixels: 6000 })
    },
    slowMs
  )

  test(
    'a graph is drawn by a worker, under the same policy',
    async () => {
      const middle = await world.diamond()
      const page = await open(`/tasks/${middle}/graph`)
      await holds(page, 'document.querySelectorAll("svg.graph a").length === 12')
      expect(await page.locator('svg.graph .edge').count()).toBe(11)
      await page.locator('svg.graph a').first().click()
      await page.waitForSelector('.why-words')
    },
    slowMs
  )

  test(
    'the task stream has what ran before the page was opened, and says the same as a table',
    async () => {
      const { id } = await world.client.submit('transcribe', { ms: 50 })
      await world.client.wait(id)
      const page = await open()
      await page.waitForSelector('.stream canvas')
      await page.getByText('the same as a table').click()
      await holds(
        page,
        `document.querySelector('.twin')?.innerText.includes(${JSON.stringify(id.slice(-12))})`
      )
      await page.focus('.stream canvas')
      for (const key of ['+', '-', 'ArrowLeft', 'f']) await page.keyboard.press(key)
      await page.getByRole('button', { name: 'fold idle' }).click()
      await page.mouse.wheel(0, 200)
    },
    slowMs
  )

  test(
    'a page that is not seen asks nothing, and goes on when it is',
    async () => {
      const page = await open()
      await page.waitForSelector('.stream canvas')
      await page.evaluate(`
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })
        document.dispatchEvent(new Event('visibilitychange'))
      `)
      const requests: string[] = []
      page.on('request', request => requests.push(request.url()))
      const { id } = await world.client.submit('render', { ms: 10 }, { tags: ['unseen'] })
      await world.client.wait(id)
      // Twice as long as anything that is asked again takes.
      await page.waitForTimeout(7000)
      expect(requests).toEqual([])
      await page.evaluate(`
        delete document.hidden
        document.dispatchEvent(new Event('visibilitychange'))
      `)
      await until(
        () => requests.some(url => url.includes('/v1/events')),
        'the stream to be open again'
      )
    },
    slowMs
  )

  test(
    'with --read-only there is nothing to press that changes anything',
    async () => {
      const dashboard = await DashboardProcess.start(world.cluster.data(ASKED), ['--read-only'])
      try {
        const failed = await world.failed('parse')
        const page = await open(`/tasks/${failed}`, dashboard)
        await page.waitForSelector('.why-words')
        expect(await page.getByRole('button', { name: 'Retry' }).count()).toBe(0)
        await page.keyboard.press('r')
        await page.click('.places a[href="/tasks"]')
        await page.waitForSelector('.list-body .row')
        expect(await text(page, '.bar')).not.toContain('Cancel')
        await page.close()
      } finally {
        await dashboard.stop()
      }
    },
    slowMs
  )

  test(
    'a task is submitted: types are offered, a fault in the payload is shown with its place, the answer leads to it',
    async () => {
      const page = await open('/tasks')
      await page.keyboard.press('n')
      await page.waitForSelector('.submit form')
      await page.getByRole('button', { name: 'transcribe' }).click()
      expect(await page.inputValue('#submit-type')).toBe('transcribe')
      await holds(
        page,
        'document.querySelector("#submit-type-words").innerText.includes("6 nodes run")'
      )
      const submit = page.getByRole('button', { name: 'Submit' })
      await page.fill('.submit textarea', '{"ms": 10,\n "steps" 2}')
      await holds(
        page,
        'document.querySelector("#payload-fault").innerText.includes("line 2, column 10")'
      )
      expect(await submit.isDisabled()).toBe(true)
      await page.getByRole('button', { name: 'go there' }).click()
      expect(await page.evaluate('document.activeElement.selectionStart')).toBe(20)
      await page.fill('.submit textarea', '{"ms": 10, "steps": 2}')
      await page.getByLabel('Priority').selectOption('8')
      await page.getByRole('textbox', { name: 'Tags' }).fill('by-hand, from-the-page')
      await page.getByRole('textbox', { name: 'Key' }).fill('once')
      await submit.click()
      await page.waitForSelector('.task-head .of-completed')
      const first = page.url()
      const id = first.slice(first.lastIndexOf('/') + 1)
      expect(await (await world.cluster.client(ASKED)).get(id)).toMatchObject({
        type: 'transcribe',
        priority: 8,
        tags: ['by-hand', 'from-the-page']
      })
      await page.goBack()
      await page.getByRole('textbox', { name: 'Key' }).fill('once')
      await page.locator('.submit textarea').press('Control+Enter')
      await page.waitForSelector('.task-head .of-completed')
      expect(page.url()).toBe(first)
      await holds(
        page,
        'document.querySelector(".notes").innerText.includes("such a task already")'
      )
      await page.goBack()
      await page.fill('#submit-type', 'command')
      await holds(
        page,
        'document.querySelector("#submit-type-words").innerText.includes("--allow-submit")'
      )
      expect(await submit.isDisabled()).toBe(true)
    },
    slowMs
  )

  test(
    'the node stands still, is killed, and is started again: the page says so and comes back',
    async () => {
      const page = await open()
      world.cluster.signal(ASKED, 'SIGSTOP')
      await page.waitForSelector('.cut')
      expect(await text(page, '.cut')).toContain('What you see is of')
      await page.waitForSelector('main.stale')
      world.cluster.signal(ASKED, 'SIGCONT')
      await page.waitForSelector('.fresh.is-live')
      await holds(page, 'document.querySelector(".cut") === null')

      await world.cluster.kill(ASKED)
      await page.waitForSelector('.cut')
      await holds(page, 'document.querySelector(".cut")?.innerText.includes("no node answers")')
      await world.cluster.startAll()
      await page.waitForSelector('.fresh.is-live')
      const { id } = await world.client.submit('parse', { ms: 10 }, { maxRetries: 0 })
      await holds(
        page,
        `document.querySelector('.failures')?.innerText.includes(${JSON.stringify(id.slice(-12))})`
      )
      // The browser itself says of each question that nobody answered that it failed.
      faults = faults.filter(fault => !/502|ERR_/.test(fault))
    },
    slowMs
  )

  test(
    'the node has ended: another one of this computer answers, and the page says which',
    async () => {
      const home = await mkdtemp(join(tmpdir(), 'hearsay-home-'))
      const folder = join(home, 'hearsay', 'chaos')
      await mkdir(folder, { recursive: true })
      for (const place of [0, ASKED]) {
        await symlink(world.cluster.data(place), join(folder, `computer-a-${place}`))
      }
      const dashboard = await DashboardProcess.startAnywhere(home)
      try {
        const page = await open('', dashboard)
        await holds(page, 'document.querySelector(".asked")?.innerText === "computer-a/0"')
        await world.cluster.kill(0)
        await holds(page, 'document.querySelector(".asked")?.innerText === "computer-a/1"')
        expect(await text(page, '.note')).toContain('computer-a/0 does not answer any more')
        await page.waitForSelector('.fresh.is-live')
        await world.cluster.startAll()
        await holds(page, 'document.querySelectorAll(".node.is-alive").length === 6')
        await page.close()
      } finally {
        await dashboard.stop()
        await rm(home, { recursive: true })
      }
      faults = faults.filter(fault => !/502|ERR_/.test(fault))
    },
    slowMs
  )

  test.skipIf(uncuttable !== null)(
    'a cable is cut: each side says what it sees and may do; a node that ends meanwhile comes back; all heals',
    async () => {
      const other = await DashboardProcess.start(world.cluster.data(2))
      try {
        const there = await open('/', other)
        const here = await open()
        await world.lan!.cut('a')
        await says(here, ['sees 2 of 6 members', 'computer-b/2', 'It is no majority'])
        await says(there, ['sees 4 of 6 members', 'computer-a/0', 'It is a majority'])
        const sides = [world.client, await world.cluster.client(2)]
        for (const side of sides) await side.submit('parse', { ms: 10 }, { tags: ['cut'] })

        await world.cluster.kill(ASKED)
        await here.waitForSelector('.cut')
        await world.cluster.start(ASKED)
        await here.waitForSelector('.fresh.is-live')
        await says(here, ['sees 2 of', 'It is no majority'])

        await world.lan!.heal()
        for (const page of [here, there]) {
          await holds(page, 'document.querySelector(".sides") === null')
          await holds(page, 'document.querySelectorAll(".node.is-alive").length === 6')
          await page.goto(new URL('/tasks?tag=cut', page.url()).href)
          await holds(page, 'document.querySelectorAll(".list-body .mark.of-failed").length === 2')
        }
      } finally {
        await other.stop()
        await world.lan!.heal()
        await world.cluster.startAll()
      }
      faults = faults.filter(fault => !/502|ERR_/.test(fault))
    },
    slowMs
  )
})
