import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ChaosCluster } from '../chaos/cluster.ts'
import { launch, openPage, DESKTOP, PHONE } from './page/browser.ts'
import { DashboardProcess } from './page/dashboards.ts'
const handlers = fileURLToPath(new URL('./page/fixtures/handlers.ts', import.meta.url))
const cluster = await ChaosCluster.start(null, {
  named: true,
  flags: () => ['--handlers', handlers, '--concurrency', '3', '--no-mdns']
})
try {
  const client = await cluster.client(0)
  const types = ['render', 'summarise', 'transcribe', 'upload', 'parse']
  const feed = async () => {
    for (let n = 0; n < 150; n++) {
      await client
        .submit(types[(n % 7) % 5]!, { ms: 300 + ((n * 379) % 3000) }, {
          tags: n % 4 ? [] : ['nightly'],
          maxRetries: 1,
          backoff: { delay: 500 },
          ...(n % 5 == 4 ? { delay: '40s' } : {})
        } as never)
        .catch(e => console.log(e.message))
    }
  }
  const first = []
  for (let n = 0; n < 8; n++) first.push((await client.submit('render', { ms: 6000 })).id)
  const joined = (await client.submit('summarise', { ms: 2000 }, { dependsOn: first })).id
  for (let n = 0; n < 3; n++)
    await client.submit('transcribe', { ms: 900 }, { dependsOn: [joined] })
  const bad = (
    await client.submit('hostile', null, { maxRetries: 0, tags: ['<b>tag</b>'] } as never)
  ).id
  await feed()
  const dash = await DashboardProcess.start(cluster.data(1))
  const browser = await launch()
  mkdirSync('/tmp/dash', { recursive: true })
  const parsed = async () => {
    for await (const t of client.list({ state: 'failed', type: 'parse', limit: 1 })) return t.id
    return first[0]!
  }
  const shots: [string, () => Promise<string>][] = [
    ['home', async () => '/'],
    ['tasks', async () => '/tasks'],
    ['task', async () => '/tasks/' + (await parsed())],
    ['running', async () => '/tasks/' + joined],
    ['hostile', async () => '/tasks/' + bad],
    ['graph', async () => `/tasks/${joined}/graph`],
    ['nodes', async () => '/nodes'],
    ['node', async () => '/nodes/' + cluster.name(1)],
    ['events', async () => '/events'],
    ['doctor', async () => '/doctor']
  ]
  const wanted = process.argv.slice(2)
  const looks = [
    ['w', DESKTOP, 'light'],
    ['wd', DESKTOP, 'dark'],
    ['p', PHONE, 'light'],
    ['pd', PHONE, 'dark']
  ] as const
  await cluster.kill(5)
  for (const [suffix, size, theme] of looks) {
    if (wanted.length && wanted[0] !== 'all' && !wanted[0]!.split(',').includes(suffix)) continue
    const { page, faults, context } = await openPage(browser, { ...size, theme })
    await page.goto(await dash.newLink())
    await page.waitForSelector('.counts', { timeout: 20000 }).catch(() => console.log('no counts'))
    await sleep(4000)
    for (const [name, path] of shots) {
      if (wanted[1] && !wanted[1].split(',').includes(name)) continue
      const to = await path()
      await page.evaluate(
        `history.pushState(null,'',${JSON.stringify(to)});dispatchEvent(new PopStateEvent('popstate'))`
      )
      await sleep(1800)
      if (name === 'task') await page.click('text=Show it').catch(() => {})
      await sleep(300)
      await page.screenshot({
        path: `/tmp/dash/${name}-${suffix}.png`,
        fullPage: name !== 'tasks' && name !== 'events'
      })
      const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      if (Number(wide) > 0) console.log(name, suffix, 'too wide by', wide)
    }
    console.log(suffix, faults)
    await context.close()
  }
  await browser.close()
  await dash.stop()
} finally {
  await cluster.down()
}
