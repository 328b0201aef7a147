/** What surrounds the core: disk, network, messages, and what people are told. */
import type { Mistake } from './mistake.ts'

export const EDGE: readonly Mistake[] = [
  [
    'refused-anywhere',
    'net/discovery/last-links.ts',
    '    if (host === undefined || host === hostIn(address)) return true\n',
    '    if (host === undefined || address !== undefined) return true\n',
    'a refusal proves a death also where the member was not',
    ['test/chaos/probe.test.ts']
  ],
  [
    'one-refusal',
    'net/discovery/probe.ts',
    'return answers.every(Boolean) &&',
    'return answers.some(Boolean) &&',
    'one address that refuses proves a death, whatever the others say',
    ['test/chaos/probe.test.ts']
  ],
  [
    'pause-untold',
    'core/liveness/heartbeat.ts',
    '      ...(pausedBy === null ? {} : { paused: pausedBy }),\n',
    '',
    'nobody else hears why a node begins nothing',
    ['test/node/queries/why.test.ts']
  ],
  [
    'holder-pause-ignored',
    'node/queries/why.ts',
    '  if (paused === undefined) return null\n',
    '  if (paused !== null) return null\n',
    'why does not name a holder that begins nothing',
    ['test/node/queries/why.test.ts']
  ],
  [
    'folder-open',
    'store/folder.ts',
    '  await chmod(folder, 0o700)\n',
    '',
    'a data folder that was open to others stays so',
    ['test/store/store.test.ts']
  ],
  [
    'boot-goes-back',
    'store/boot-file.ts',
    'Math.max(now, (await this.#last()) + 1)',
    'Math.max(now, await this.#last())',
    'two boots of a node may have one start time',
    ['test/store/store.test.ts']
  ],
  [
    'seal-unlooked',
    'store/journal.ts',
    "  if (bytes === null) return 'its checksum is wrong'\n",
    '  if (bytes === null) return null\n',
    'a damaged value in the journal is passed over in silence',
    ['test/store/store.test.ts', 'test/store/damage.test.ts']
  ],
  [
    'blob-unlooked',
    'store/blobs.ts',
    '    if (file === null || (await hasHash(file, hash))) return file\n',
    "    if (file === null || (await hasHash(file, hash)) || hash !== '') return file\n",
    'a damaged blob is given out',
    ['test/store/blobs.test.ts']
  ]
]
