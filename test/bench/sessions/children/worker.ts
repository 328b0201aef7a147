/** The same short task, in a worker of its own process. Arguments: the node's data folder, the type, the slots. */
import { Client } from '../../../../src/api/client.ts'

const [folder = '', type = '', slots = '1'] = process.argv.slice(2)
const { workers } = await Client.open({ data: folder })
for await (const line of workers.connect({ types: [type], slots: Number(slots) })) {
  if (!('task' in line)) continue
  const { n } = line.payload as { n: number }
  void workers.complete(line.lease, JSON.stringify({ n }))
}
