/** The keys, and how to switch them off. */
import type { JSX } from 'preact'
import { isHelpOpen, KEY_WORDS } from '../state/keys.ts'
import { hasKeys } from '../state/preferences.ts'
import { Dialog } from './dialog.tsx'

export function Help(): JSX.Element | null {
  if (!isHelpOpen.value) return null
  return (
    <Dialog title="Keys" onClose={() => (isHelpOpen.value = false)}>
      <dl class="keys">
        {KEY_WORDS.map(([keys, words]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map(key => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <label class="choice">
        <input
          type="checkbox"
          checked={hasKeys.value}
          onChange={event => (hasKeys.value = event.currentTarget.checked)}
        />
        single letters are commands
      </label>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </Dialog>
  )
}
