/** Tasks: any number of them, by filters that are in the address. */
import type { JSX } from 'preact'
import { useComputed, useSignal, type Signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks'
import { BulkDialog } from '../tasks/bulk.tsx'
import { Filters } from '../tasks/filters.tsx'
import { Rows } from '../tasks/rows.tsx'
import { doEach, mayChange, type Action } from '../state/actions.ts'
import { onTasks } from '../state/cluster.ts'
import { counted } from '../state/format.ts'
import { viewKeys } from '../state/keys.ts'
import { go, pathOfTask, query } from '../state/route.ts'
import { FILTERS, TaskList, type Filter } from '../state/task-list.ts'

/** Rows above the window: as long as fewer are, new ones come in at the top. */
const TOP_PIXELS = 200

export function TasksView(): JSX.Element {
  const list = useMemo(() => new TaskList(), [])
  const chosen = useSignal<ReadonlySet<string>>(new Set())
  const place = useSignal(-1)
  const asked = useSignal<Action | null>(null)
  const filter = useComputed(() => filterOf(query.value))
  const search = query.value.toString()
  // Before the next key is pressed: it would be lost if the place were taken back after it.
  useLayoutEffect(() => {
    place.value = -1
    chosen.value = new Set()
    list.show(filter.value, query.value.get('sort'))
  }, [search])
  useEffect(() => {
    const stop = onTasks(({ tasks, more }) => list.take(tasks, more, () => scrollY < TOP_PIXELS))
    return () => {
      stop()
      list.stop()
    }
  }, [])
  useEffect(() => withKeys(list, place, chosen, asked), [])
  return (
    <div class="tasks">
      <h1 class="unseen">Tasks</h1>
      <Filters list={list} filter={filter.value} />
      <Bar list={list} chosen={chosen} asked={asked} />
      <Rows list={list} place={place} chosen={chosen} />
      {asked.value !== null && (
        <BulkDialog
          action={asked.value}
          filter={filter.value}
          onClose={() => (asked.value = null)}
        />
      )}
    </div>
  )
}

function filterOf(params: URLSearchParams): Filter {
  const given = FILTERS.map(name => [name, params.get(name)] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== null && value !== ''))
}

type BarProps = Readonly<{
  list: TaskList
  chosen: Signal<ReadonlySet<string>>
  asked: Signal<Action | null>
}>

/** How many there are, and what may be done to all of them. */
function Bar({ list, chosen, asked }: BarProps): JSX.Element {
  const matched = list.matched.value
  const some = chosen.value.size
  const act = (action: Action): void => {
    if (some === 0) asked.value = action
    else void doChosen(action, chosen)
  }
  return (
    <div class="bar">
      <p aria-live="polite">
        <b>{matched === null ? '…' : counted(matched, 'task')}</b>
        {some > 0 && `, ${some} chosen`}
        {list.unseen.value > 0 && (
          <button type="button" class="quiet" onClick={() => list.reload()}>
            {counted(list.unseen.value, 'change')} since: show
          </button>
        )}
      </p>
      {mayChange() && (
        <div class="tools">
          <a class="button" href="/submit">
            New task
          </a>
          <button type="button" onClick={() => act('cancel')} disabled={matched === 0}>
            Cancel {some > 0 ? counted(some, 'task') : 'all of these'} …
          </button>
          <button type="button" onClick={() => act('retry')} disabled={matched === 0}>
            Retry {some > 0 ? counted(some, 'task') : 'all of these'} …
          </button>
        </div>
      )}
    </div>
  )
}

async function doChosen(action: Action, chosen: Signal<ReadonlySet<string>>): Promise<void> {
  const ids = [...chosen.value]
  chosen.value = new Set()
  await doEach(action, ids)
}

/** Returns how to take them away again. */
function withKeys(
  list: TaskList,
  place: Signal<number>,
  chosen: Signal<ReadonlySet<string>>,
  asked: Signal<Action | null>
): () => void {
  const move = (by: number): void => {
    place.value = Math.min(list.rows.value.length - 1, Math.max(0, place.value + by))
  }
  const here = (): string | undefined => list.rows.value[place.value]?.id
  const act = (action: Action): void => {
    if (!mayChange()) return
    const id = here()
    if (chosen.value.size > 0) void doChosen(action, chosen)
    else if (id === undefined) asked.value = action
    else void doEach(action, [id])
  }
  viewKeys.value = {
    j: () => move(1),
    k: () => move(-1),
    Enter: () => {
      const id = here()
      if (id !== undefined) go(pathOfTask(id))
    },
    x: () => {
      const id = here()
      if (id !== undefined) chosen.value = toggled(chosen.value, id)
    },
    c: () => act('cancel'),
    r: () => act('retry')
  }
  return () => (viewKeys.value = {})
}

function toggled(chosen: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(chosen)
  if (!next.delete(id)) next.add(id)
  return next
}
