/**
 * What the demo shows while it runs: on a terminal a table that is redrawn in place, elsewhere a line every second.
 *
 * `frame` and `line` turn a picture of the state into text and do nothing else; `View` only decides when and where that
 * text goes.
 */
import { nodeColour } from './colours.ts'

export type NodeProgress = { name: string; running: number; queued: number; done: number }

export type Progress = {
  nodes: readonly NodeProgress[]
  tiles: number
  /** Since the first tile was submitted, in ms. */
  elapsedMs: number
}

/** What a view needs of `process.stderr`. */
export type Screen = {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
  rows?: number
}

const barWidth = 30
/** A frame is never wider; on narrower terminals lines would wrap, and redrawing would go astray. */
const frameWidth = 80
const frameIntervalMs = 200
const lineIntervalMs = 1000

/** The table, a line each. */
export function frame(progress: Progress, colour: boolean): string[] {
  const done = doneOf(progress)
  const most = Math.max(1, ...progress.nodes.map(node => node.done))
  const nodes = progress.nodes.map((node, index) => {
    const length = Math.round((node.done / most) * Math.min(barWidth, most))
    const counts = `running ${node.running}  queued ${pad(node.queued)}  done ${pad(node.done)}`
    return `${node.name.padEnd(14)} ${counts}  ${tint('█'.repeat(length), index, colour)}`
  })
  const filled = Math.round((done / progress.tiles) * barWidth)
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
  return [
    ...nodes,
    `${`${done} of ${progress.tiles} tiles`.padEnd(18)} ${bar} ${seconds(progress)}`
  ]
}

/** The same in one line, for logs. */
export function line(progress: Progress): string {
  const nodes = progress.nodes.map(({ name, done }) => `${name} ${done}`).join(', ')
  return `${seconds(progress)}: ${doneOf(progress)} of ${progress.tiles} tiles done (${nodes})`
}

/** The text in the colour of the node at this place of the list. */
export function tint(text: string, index: number, colour: boolean): string {
  if (!colour || text === '') return text
  return `\x1b[38;2;${nodeColour(index).join(';')}m${text}\x1b[39m`
}

export class View {
  readonly #screen: Screen
  readonly #colour: boolean
  readonly #isLive: boolean
  #linesDrawn = 0
  #timer: NodeJS.Timeout | undefined

  /** @param noColor as in the environment variable NO_COLOR: any text but none switches colours off */
  constructor(screen: Screen, noColor: string | undefined) {
    const roomy = (screen.columns ?? 0) >= frameWidth && (screen.rows ?? 0) > 16
    this.#screen = screen
    this.#isLive = screen.isTTY === true && roomy
    this.#colour = screen.isTTY === true && !noColor
  }

  /** A sentence of its own, above whatever is drawn afterwards. */
  say(sentence: string): void {
    this.#linesDrawn = 0
    this.#screen.write(`${sentence}\n`)
  }

  /** Shows the progress from now on. */
  follow(progress: () => Progress): void {
    this.stop()
    const interval = this.#isLive ? frameIntervalMs : lineIntervalMs
    this.#timer = setInterval(() => this.#draw(progress()), interval)
  }

  /** Ends the following; with a last picture if there is one to show. */
  stop(last?: Progress): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    if (last) this.#draw(last)
  }

  #draw(progress: Progress): void {
    if (!this.#isLive) {
      this.#screen.write(`${line(progress)}\n`)
      return
    }
    const lines = frame(progress, this.#colour)
    const back = this.#linesDrawn > 0 ? `\x1b[${this.#linesDrawn}A` : ''
    this.#screen.write(back + lines.map(text => `\x1b[2K${text}\n`).join(''))
    this.#linesDrawn = lines.length
  }
}

function doneOf({ nodes }: Progress): number {
  return nodes.reduce((sum, { done }) => sum + done, 0)
}

function seconds({ elapsedMs }: Progress): string {
  return `${(elapsedMs / 1000).toFixed(1)} s`
}

function pad(count: number): string {
  return String(count).padStart(3)
}
