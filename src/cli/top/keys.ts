/**
 * What a key does to `hearsay top`: to the view at once; to the cluster only after a yes.
 */
import { ORDERS, shownNodes, shownTasks, type View } from './frame.ts'
import type { Model } from './model.ts'

/** What a key asks of the drawing loop. */
export type Deed =
  | Readonly<{ kind: 'quit' }>
  | Readonly<{ kind: 'drain'; node: string }>
  | Readonly<{ kind: 'cancel'; task: string }>

/** How the keys are understood: as commands, as letters of the filter, as the answer to a question, or not any more. */
export type Mode =
  | Readonly<{ kind: 'commands' }>
  | Readonly<{ kind: 'filter' }>
  | Readonly<{ kind: 'question'; deed: Deed }>
  | Readonly<{ kind: 'over' }>

export class Keys {
  readonly #model: Model
  readonly #view: View
  #mode: Mode = { kind: 'commands' }

  constructor(model: Model, view: View) {
    this.#model = model
    this.#view = view
  }

  /** Returns what is to be done, if anything is. */
  press(key: string, nowMs: number): Deed | null {
    if (this.#mode.kind === 'over') return null
    if (key === 'interrupt') return this.#quit()
    if (this.#mode.kind === 'filter') return this.#type(key)
    if (this.#mode.kind === 'question') return this.#answer(key, this.#mode.deed)
    this.#view.prompt = ''
    return this.#command(key, nowMs)
  }

  #command(key: string, nowMs: number): Deed | null {
    const view = this.#view
    switch (key) {
      case 'q':
        return this.#quit()
      case '?':
        view.help = !view.help
        break
      case 'tab':
        view.panel = view.panel === 'nodes' ? 'tasks' : 'nodes'
        view.selected = 0
        break
      case 'up':
      case 'down':
        this.#move(key === 'up' ? -1 : 1, nowMs)
        break
      case 's':
        view.order = ORDERS[(ORDERS.indexOf(view.order) + 1) % ORDERS.length] ?? 'name'
        view.prompt = `nodes by ${view.order}`
        break
      case '/':
        this.#mode = { kind: 'filter' }
        view.prompt = `filter: ${view.filter}`
        break
      case 'd':
      case 'c':
        this.#ask(key, nowMs)
        break
      default:
    }
    return null
  }

  /** What was typed after it was meant for the shell. */
  #quit(): Deed {
    this.#mode = { kind: 'over' }
    return { kind: 'quit' }
  }

  #ask(key: 'd' | 'c', nowMs: number): void {
    const view = this.#view
    const node = shownNodes(this.#model, view, nowMs)[view.selected]
    const task = shownTasks(this.#model, view)[view.selected]
    if (key === 'd' && view.panel === 'nodes' && node !== undefined && node.name !== null) {
      this.#mode = { kind: 'question', deed: { kind: 'drain', node: node.name } }
      view.prompt = `drain ${node.name}: it takes no more tasks. y or n?`
    } else if (key === 'c' && view.panel === 'tasks' && task !== undefined) {
      this.#mode = { kind: 'question', deed: { kind: 'cancel', task: task.id } }
      view.prompt = `cancel ${task.id} (${task.type})? y or n?`
    } else {
      view.prompt =
        key === 'd' ? 'choose a node first, with tab and arrows' : 'choose a task first, with tab'
    }
  }

  #answer(key: string, deed: Deed): Deed | null {
    this.#mode = { kind: 'commands' }
    this.#view.prompt = ''
    return key === 'y' ? deed : null
  }

  #type(key: string): null {
    const view = this.#view
    if (key === 'enter' || key === 'escape') {
      if (key === 'escape') view.filter = ''
      this.#mode = { kind: 'commands' }
      view.prompt = view.filter === '' ? '' : `only what has "${view.filter}"; / and escape for all`
      return null
    }
    if (key === 'backspace') view.filter = view.filter.replace(/.$/u, '')
    else if (/^.$/u.test(key)) view.filter += key
    view.selected = 0
    view.prompt = `filter: ${view.filter}`
    return null
  }

  #move(by: number, nowMs: number): void {
    const view = this.#view
    const list =
      view.panel === 'nodes' ? shownNodes(this.#model, view, nowMs) : shownTasks(this.#model, view)
    view.selected = Math.max(0, Math.min(list.length - 1, view.selected + by))
  }
}
