/**
 * A node without a network behind the real local API, in a folder of its own, anew for each test of a file: what the
 * client and the verbs are tried against.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'
import { startApi, type Api } from '../../src/api/server.ts'
import { FakeNode } from './fake-node.ts'

export type Served = {
  /** The node's data folder; `HEARSAY_DATA` names it, so that verbs find the node. */
  readonly folder: string
  readonly node: FakeNode
  /** Closed after the test, if it has not done so itself. */
  readonly api: Api
}

/** To be called once at the top of a test file; the fields are filled in before each of its tests. */
export function serveFakeNode(): Served {
  const served: { -readonly [Key in keyof Served]?: Served[Key] } = {}
  beforeEach(async () => {
    served.folder = await mkdtemp(join(tmpdir(), 'hearsay-served-'))
    served.node = new FakeNode()
    served.api = await startApi(served.node, served.folder)
    vi.stubEnv('HEARSAY_DATA', served.folder)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await served.api!.close()
    await rm(served.folder!, { recursive: true, force: true })
  })
  return served as Served
}
