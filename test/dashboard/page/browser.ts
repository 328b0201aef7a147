/**
 * A browser without a screen, and what a page in it has done that it should not: errors in the console, requests to
 * anywhere else, violations of the page's own policy.
 */
import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
/** Nothing that reaches the network by itself. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run'
]

/** Null where there is none. */
export const browserPath: string | null = PATHS.find(path => existsSync(path)) ?? null

export function launch(): Promise<Browser> {
  if (browserPath === null) throw new Error('there is no chromium here')
  return chromium.launch({ executablePath: browserPath, args: ARGUMENTS })
}

export type Look = Readonly<{ width: number; height: number; theme: 'light' | 'dark' }>

export const DESKTOP = { width: 1280, height: 800 } as const
export const PHONE = { width: 390, height: 844 } as const

/** A page with everything that went wrong in it, as it goes on. */
export type Watched = Readonly<{ page: Page; faults: string[] }>

/** @param options further ones of the context, such as one without the page's policy */
export async function openPage(
  browser: Browser,
  { width, height, theme }: Look,
  options: Parameters<Browser['newContext']>[0] = {}
): Promise<Watched & Readonly<{ context: BrowserContext }>> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    hasTouch: width < 500,
    ...options
  })
  const page = await context.newPage()
  return { page, faults: watch(page), context }
}

function watch(page: Page): string[] {
  const faults: string[] = []
  page.on('pageerror', error => faults.push(`error: ${error.message}`))
  page.on('console', message => {
    const { url } = message.location()
    if (message.type() === 'error' || message.type() === 'warning') {
      faults.push(`console: ${message.text()} (${url})`)
    }
  })
  page.on('request', request => {
    const { hostname } = new URL(request.url())
    if (hostname !== '127.0.0.1') faults.push(`request: ${request.url()}`)
  })
  return faults
}
