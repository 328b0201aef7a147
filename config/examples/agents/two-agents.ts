/**
 * Two agents that hand work to each other: one asks for a review, the other one does it. In place of models two scripts
 * call the tools; an agent that speaks the Model Context Protocol calls them by itself, once `hearsay mcp` is in its
 * configuration (see the README).
 *
 *   node config/examples/agents/two-agents.ts
 *
 * Each agent is a process beside a node; give the nodes' names if several run here: computer-a/1 computer-b/1.
 */
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { fileURLToPath } from 'node:url'

const hearsay = fileURLToPath(new URL('../../../bin/hearsay.js', import.meta.url))

type Call = <T>(tool: string, input: object) => Promise<T>

/** An agent's side of the protocol: a client, and the server that it has started. */
async function agent(
  name: string,
  node: string | undefined
): Promise<{ call: Call; close: () => Promise<void> }> {
  const flags = node === undefined ? [] : ['--node', node]
  const client = new Client({ name, version: '1.0.0' })
  // The environment says where data and keys are; by itself a server is given next to nothing of it.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([, value]) => value !== undefined)
  )
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [hearsay, 'mcp', ...flags],
      env: env as Record<string, string>
    })
  )
  const call: Call = async <T>(tool: string, input: object): Promise<T> => {
    const { isError, content, structuredContent } = await client.callTool({
      name: tool,
      arguments: { ...input }
    })
    if (isError) throw new Error(JSON.stringify(content))
    return structuredContent as T
  }
  return { call, close: () => client.close() }
}

const [authorsNode, reviewersNode] = process.argv.slice(2)
const author = await agent('author', authorsNode)
const reviewer = await agent('reviewer', reviewersNode ?? authorsNode)

const submitted = await author.call<{ tasks: { id: string }[] }>('submit', {
  tasks: [{ type: 'review', payload: { text: 'Queues is fair.' }, tags: ['review'] }]
})
const id = submitted.tasks[0]!.id

// The reviewer takes whatever is there to be reviewed, does it, and says how it went.
const { claim, task } = await reviewer.call<{ claim: string; task: { payload: string } }>('claim', {
  types: ['review']
})
const { text } = JSON.parse(task.payload) as { text: string }
await reviewer.call('update', { claim, fraction: 0.5, log: [`read ${text.length} characters`] })
await reviewer.call('finish', {
  claim,
  outcome: 'completed',
  result: { verdict: 'change', text: text.replace('Queues is', 'Queues are') }
})

const { ended } = await author.call<{ ended: { result: string }[] }>('wait', { ids: [id] })
console.log(ended[0]!.result)
await Promise.all([author.close(), reviewer.close()])
