/** An agent as the tests play one: the official client, and the command line as its server, in a process of its own. */
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

const cli = new URL('../cli/children/cli.ts', import.meta.url).pathname
const agents: Agent[] = []

export class Agent {
  readonly client: Client
  readonly #transport: StdioClientTransport

  private constructor(client: Client, transport: StdioClientTransport) {
    this.client = client
    this.#transport = transport
  }

  /** @param flags of `hearsay mcp`, beside the data folder of the node */
  static async start(data: string, ...flags: readonly string[]): Promise<Agent> {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [cli, 'mcp', '--data', data, ...flags],
      stderr: 'inherit'
    })
    const client = new Client({ name: 'test', version: '1.0.0' })
    await client.connect(transport)
    const agent = new Agent(client, transport)
    agents.push(agent)
    return agent
  }

  get pid(): number {
    return this.#transport.pid!
  }

  /** What a tool returns. @throws Error with its words, if it says that it failed */
  async call<T>(name: string, input: Record<string, unknown> = {}): Promise<T> {
    const { isError, content, structuredContent } = await this.client.callTool({
      name,
      arguments: input
    })
    if (isError) throw new Error(content.map(part => ('text' in part ? part.text : '')).join())
    return structuredContent as T
  }

  /** Ends its stdin. */
  async stop(): Promise<void> {
    await this.client.close()
  }
}

export async function stopAgents(): Promise<void> {
  await Promise.all(agents.splice(0).map(agent => agent.stop()))
}
