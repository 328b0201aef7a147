/** Why a task is where it is, in a sentence; and for each node, why it does not run there. */
import type { JSX } from 'preact'
import type { TaskView, WhyView } from '../../../node/api/node-api.ts'
import { NodeLink, Text } from '../parts/small.tsx'
import { STATE_WORDS } from '../state/words.ts'

export function Why({ why, task }: Readonly<{ why: WhyView; task: TaskView }>): JSX.Element {
  return (
    <section class={`why-box of-${task.state}`} aria-label="why">
      <p class="why-words">
        {why.reason !== null && <code>{why.reason}</code>} <Text>{sentence(why, task)}</Text>
      </p>
      {why.nodes.length > 0 && (
        <ul>
          {why.nodes.map(({ node, reason, words }) => (
            <li key={node}>
              <NodeLink name={node} />
              <span>
                <Text>{words}</Text> <code>{reason}</code>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function sentence({ words, state }: WhyView, { holder }: TaskView): string {
  const said = words === '' ? `it ${STATE_WORDS[state]}` : words
  const whole = state === 'running' && words === '' ? `${said} on ${holder}` : said
  return whole.charAt(0).toUpperCase() + whole.slice(1)
}
