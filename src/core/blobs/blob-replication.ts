/**
 * The part of the core that keeps blobs: which are to be here, which are fetched, which may go.
 *
 * Every blob has two holders, on two computers if there are two (blobs/holders.ts), and the node that wrote it keeps it
 * until both have said that they have it. Nothing else moves blobs about: a holder that lacks its share fetches it; a
 * node that has a blob without being its holder offers it to both, and lets go of it when both have it. When members
 * come or go the holders change, and the same two rules carry the blobs to their new places.
 *
 * A node lets go of a needed blob only in favour of its holders, the first of which stands before it in line. So of all
 * that have it the first in line never lets go, however much the nodes' views of each other differ. A node that is
 * about to leave stands in no line: it asks once more which nodes have the blob, and none lets go of it in favour of
 * one that leaves. A task that is kept beyond its time, because another one depends on it, may be pruned where that one
 * came later: a node that still has it keeps its blobs, and fetches them when the dependent task comes that late.
 */
import { assert } from '../base/assert.ts'
import { areApart } from '../base/computers.ts'
import { nodeOf, type NodeId, type TaskId } from '../base/ids.ts'
import { Blob } from './blob.ts'
import { holdersOf, lineFor, type Keeper } from './holders.ts'
import { Keepers } from './keepers.ts'
import { Offers } from './offers.ts'
import { Pins } from './pins.ts'
import { ProvisionalBlobs } from './provisional.ts'
import { CopyWait, type Where } from './copy-wait.ts'
import { References } from './references.ts'
import { PlacementRing } from './placement-ring.ts'
import type { Context } from '../context.ts'
import { isOut } from '../membership/membership.ts'
import type { Input } from '../input.ts'
import type { Kept, Offer } from '../message.ts'
import type { OncePlaced, PendingOf, Waiting } from '../pending.ts'
import type { BlobHash, BlobRef } from '../task/content.ts'
import type { TaskRecord } from '../task/record.ts'

/** Under way at once. A share can wait, so that what somebody waits for finds room. */
const FETCHES_MAX = 16
const SHARE_FETCHES_MAX = 4
/** Blobs looked at in one tick. Guess: some milliseconds. */
const LOOK_MAX = 2000
/** The clock has not been read yet. */
const NOT_YET = Number.POSITIVE_INFINITY

export class BlobReplication {
  readonly #context: Context
  readonly #references = new References()
  readonly #copyWait = new CopyWait()
  /** Blobs that are here, or are to come. */
  readonly #blobs = new Map<BlobHash, Blob>()
  /** Those of them with which something is still to happen. */
  readonly #open = new Set<Blob>()
  readonly #pins = new Pins()
  readonly #provisionalBlobs = new ProvisionalBlobs()
  readonly #keepers: Keepers
  readonly #offers: Offers
  readonly #placementRing = new PlacementRing()
  /** Tasks whose blobs are kept here whoever is to hold them. */
  readonly #secured = new Set<TaskId>()
  readonly #mayBeForgotten: (id: TaskId) => boolean
  #fetching = 0

  /** @param mayBeForgotten whether others may have forgotten a task that is known here */
  constructor(context: Context, mayBeForgotten: (id: TaskId) => boolean = () => false) {
    this.#context = context
    this.#mayBeForgotten = mayBeForgotten
    this.#keepers = new Keepers(context)
    this.#offers = new Offers(context.self)
  }

  /** These are on disk, from an earlier boot. */
  restore(refs: Iterable<BlobRef>): void {
    for (const ref of refs) {
      const blob = this.#blob(ref)
      blob.local = true
      blob.touchedAt = NOT_YET
      this.#open.add(blob)
    }
  }

  /** A task has changed, or has come. */
  retain(record: TaskRecord): void {
    for (const ref of this.#references.retain(record)) {
      if (this.#references.has(ref.hash)) this.#provisionalBlobs.close(ref.hash)
      this.#attendShare(ref)
    }
  }

  /** The holders of its blobs may have forgotten the task, and it stays here: so its blobs do, too. */
  secure(id: TaskId): void {
    this.#secured.add(id)
    for (const ref of this.#references.blobsOf(id)) this.#attendShare(ref)
  }

  /** A task is no more. */
  release(id: TaskId): void {
    this.unneed(id)
    this.#secured.delete(id)
    for (const ref of this.#references.release(id)) this.#attendShare(ref)
  }

  /**
   * Finds a second place for a blob that has just been written here. What is pending is released as soon as another
   * node has it, on another computer if one is there, or at once if there is no other, or when it has taken too long.
   *
   * @param acks 0 if nobody cares
   */
  place(ref: BlobRef, acks: number | null, pending: OncePlaced): void {
    const { now, options } = this.#context
    const { hash } = ref
    const deadline = now + options.acksTimeoutMs + ref.bytes / options.blobBytesPerMs
    this.#copyWait.add({ hash, wanted: acks === 0 ? 0 : 1, deadline, pending })
    this.kept(ref)
  }

  /**
   * Finds a second place for the large result of an outcome that is to be reported. Returns false if it has none, or
   * that has been done.
   */
  placeResult({ kind, taskId, outcome, blob, since }: PendingOf<'report'>): boolean {
    if (blob === null || !this.has(blob.hash)) return false
    this.place(blob, null, { kind, taskId, outcome, blob: null, since })
    return true
  }

  /** A task is to run here. Says whether all that it reads is here; what is not is fetched if it can be, and has room. */
  need(id: TaskId, refs: readonly BlobRef[]): 'here' | 'coming' | 'nowhere' | 'no-room' {
    const added = this.#pins.add(id, refs).map(ref => this.#blob(ref))
    const missing = refs.map(ref => this.#blob(ref)).filter(({ local }) => !local)
    if (missing.length === 0) return 'here'
    for (const blob of added) if (!blob.local) this.#attend(blob)
    const failed = missing.find(({ retryAt }) => this.#context.now < retryAt)
    return failed === undefined ? 'coming' : failed.hadNoRoom ? 'no-room' : 'nowhere'
  }

  /** Whether a blob is on this node's disk. */
  has(hash: BlobHash): boolean {
    return this.#blobs.get(hash)?.local ?? false
  }

  /** The task does not run here any more. */
  unneed(id: TaskId): void {
    for (const ref of this.#pins.take(id)) this.#attend(this.#touch(ref))
  }

  /** What has become of a blob on this node's disk. */
  looked(input: Extract<Input, { kind: 'blob-kept' | 'blob-failed' | 'blob-missing' }>): void {
    if (input.kind === 'blob-kept') this.kept(input.ref)
    else if (input.kind === 'blob-failed') this.failed(input.hash, input.why)
    else this.missing(input.hash)
  }

  /** A blob is on this node's disk. */
  kept(ref: BlobRef): void {
    const blob = this.#touch(ref)
    blob.local = true
    this.#fetched(blob)
    for (const asker of blob.askers) this.#offers.answer(asker, ref.hash)
    blob.askers.clear()
    this.#attend(blob)
    this.releasePlaced([ref.hash])
  }

  /** A blob that was thought to be on this node's disk is not. If it is to be here, it is fetched again. */
  missing(hash: BlobHash): void {
    const blob = this.#blobs.get(hash)
    if (blob === undefined || !blob.local) return
    blob.local = false
    this.#attend(blob)
  }

  /** Nobody had the blob, or could send it, or it found no room here. Whoever asked for it will ask again. */
  failed(hash: BlobHash, why: 'nobody' | 'no-room'): void {
    const blob = this.#blobs.get(hash)
    if (blob === undefined) return
    this.#fetched(blob)
    blob.askers.clear()
    blob.hadNoRoom = why === 'no-room'
    blob.retryAt = this.#context.now + this.#context.options.blobRetryMs
    this.#attend(blob)
  }

  /** A member asks this node to keep blobs. */
  offered(from: NodeId, { boot, blobs }: Offer): void {
    if (nodeOf(boot) !== from) return
    for (const ref of blobs) {
      const isNew = !this.#blobs.has(ref.hash) && !this.#references.has(ref.hash)
      if (isNew && !this.#provisionalBlobs.take(from, ref)) continue
      const blob = this.#touch(ref)
      blob.keepers.set(from, boot)
      if (blob.local) this.#offers.answer(from, ref.hash)
      else blob.askers.add(from)
      this.#attend(blob)
    }
  }

  /** A member has blobs on its disk. */
  confirmed(from: NodeId, { boot, hashes }: Kept): void {
    if (nodeOf(boot) !== from) return
    for (const hash of hashes) {
      const blob = this.#blobs.get(hash)
      if (blob === undefined) continue
      blob.keepers.set(from, boot)
      this.#attend(blob)
    }
    this.releasePlaced(hashes)
  }

  /** Members from which a blob may be had: those that are known to have it first, then by their place in its line. */
  sources(hash: BlobHash): NodeId[] {
    const blob = this.#blobs.get(hash)
    const keeps = (node: NodeId): number => Number(blob !== undefined && this.#isKeptBy(blob, node))
    const reachable = this.#context.members.linked().map(({ node }) => node)
    return lineFor(hash, reachable).sort((x, y) => keeps(y) - keeps(x))
  }

  /** A link to a member is new: what was said on the last one may be lost. */
  linked(peer: NodeId): void {
    for (const blob of this.#open) {
      blob.offeredAt.delete(peer)
      blob.retryAt = Number.NEGATIVE_INFINITY
      this.#attend(blob)
    }
  }

  /**
   * Releases what waited for a second place that has been found. That all links have just broken is no reason to make
   * do with one.
   *
   * @param hashes of which something has changed. @default all are looked at
   */
  releasePlaced(hashes?: readonly BlobHash[]): void {
    if (this.#copyWait.isEmpty) return
    const { members, now, release } = this.#context
    const where = (hash: BlobHash): Where => {
      const blob = this.#blobs.get(hash)
      const keepers = [...(blob?.keepers.keys() ?? [])].filter(node => this.#isKeptBy(blob!, node))
      return { copies: keepers.length, isApart: keepers.some(node => this.#keepers.isAway(node)) }
    }
    const apart = this.#keepers.all().some(({ node }) => this.#keepers.isAway(node))
    const others = { count: members.linkedOrHeard(now).length, apart }
    this.#copyWait.releaseDue(now, others, where, release, hashes)
  }

  /** What waits until a blob is elsewhere, too. */
  pending(): Iterable<Waiting> {
    return this.#copyWait.pending()
  }

  tick(): void {
    const { now, options } = this.#context
    const keepers = this.#keepers.all()
    if (this.#placementRing.isDue(keepers, now, options.blobBalanceMs)) this.#share(keepers)
    let left = Math.min(LOOK_MAX, this.#open.size)
    for (const blob of this.#open) {
      if (left-- === 0) break
      // To the end of the line, so that the others have their turn in the next tick.
      this.#open.delete(blob)
      this.#attend(blob)
    }
    this.releasePlaced()
  }

  /** From here on this node keeps nothing that others can keep. */
  drain(): void {
    if (!this.#keepers.isDraining) {
      this.#keepers.isDraining = true
      for (const blob of this.#blobs.values()) this.#askAnew(blob)
    }
    this.#share(this.#keepers.all())
  }

  /** Whether all that is needed is with others, as far as there are any. */
  get isSafeElsewhere(): boolean {
    if (!this.#copyWait.isEmpty) return false
    const keepers = this.#keepers.all()
    return [...this.#blobs.values()].every(
      blob =>
        !blob.local ||
        !this.#references.has(blob.ref.hash) ||
        this.#lacking(blob, this.#fitFor(blob.ref.hash, keepers)).length === 0
    )
  }

  /** Says what is to be said. */
  flush(): void {
    this.#offers.send(this.#context.emit)
  }

  /** @param running tasks that run here, or are about to, and so read their blobs */
  assertInvariants(running: ReadonlySet<TaskId>): void {
    const { log } = this.#context
    this.#pins.assertInvariants(running)
    this.#references.assertInvariants(id => log.get(id) !== undefined)
    this.#provisionalBlobs.assertInvariants(
      hash => this.#blobs.has(hash) && !this.#references.has(hash)
    )
    let fetching = 0
    for (const [hash, blob] of this.#blobs) {
      assert(blob.ref.hash === hash, 'a blob is kept under its hash', hash)
      assert(blob.local || this.#open.has(blob), 'what is to come is looked at again', hash)
      assert(!blob.local || blob.askers.size === 0, 'who asked for a blob was told of it', hash)
      if (blob.fetching) fetching++
    }
    assert(fetching === this.#fetching, 'blobs that are being fetched are counted')
    for (const blob of this.#open) {
      const { hash } = blob.ref
      assert(this.#blobs.get(hash) === blob, 'a blob that is looked at again is known', hash)
    }
    for (const id of this.#secured) {
      assert(log.get(id) !== undefined, 'a task whose blobs are kept is here', id)
    }
  }

  /** Decides what is to happen with a blob now, and whether it has to be looked at again. */
  #attend(blob: Blob): void {
    const atRest = blob.local ? this.#keep(blob) : this.#obtain(blob)
    if (atRest) this.#open.delete(blob)
    else this.#open.add(blob)
  }

  /** The same for a blob of which there may be nothing here, and nothing to be. */
  #attendShare(ref: BlobRef): void {
    const known = this.#blobs.get(ref.hash)
    if (known !== undefined) this.#attend(known)
    else if (this.#isShare(ref.hash)) this.#attend(this.#blob(ref))
  }

  /** A blob is here: it stays, is offered to those who are to keep it, or goes. */
  #keep(blob: Blob): boolean {
    const { now, options, emit } = this.#context
    const { hash } = blob.ref
    const named = this.#references.has(hash)
    const placing = this.#copyWait.has(hash)
    if (named && !placing && this.#isShare(hash)) return true
    if (named || placing) {
      const all = placing ? this.#keepers.secondPlaces() : this.#placementRing.keepers
      const keepers = this.#fitFor(hash, all)
      const lacking = this.#lacking(blob, keepers)
      // Older ones may be all there are on other computers: they keep it for as long as it takes to write down the task.
      if (placing && lacking.length === 0)
        lacking.push(...this.#keepers.firstAway(hash, keepers, by => this.#isKeptBy(blob, by)))
      if (lacking.length > 0) this.#offer(blob, lacking)
      if (lacking.length > 0 || keepers.length === 0) return false
      if (!placing && this.#keepers.isDraining && this.#isSecondPlace(keepers)) return true
    }
    const idleMs = named ? options.blobSpareMs : options.blobOrphanMs
    if (placing || this.#pins.has(hash) || now < blob.touchedAt + idleMs) return false
    // Those in whose favour it would go do not keep what they do not know to be needed, or are about to leave.
    if (named && (this.#isPast(hash) || this.#isHolderGoing(hash))) return false
    this.#forget(hash)
    emit({ kind: 'drop-blob', hash })
    return true
  }

  /** A blob is not here: it is fetched, if somebody waits for it or it is this node's share. */
  #obtain(blob: Blob): boolean {
    const { now, options, emit } = this.#context
    const { hash } = blob.ref
    if (blob.fetching) return false
    const awaited = blob.askers.size > 0 || this.#pins.has(hash)
    if (!awaited && !this.#isShare(hash)) return this.#forget(hash)
    if (now < blob.retryAt) return false
    if (this.#fetching >= (awaited ? FETCHES_MAX : SHARE_FETCHES_MAX)) return false
    const from = this.sources(hash)
    if (from.length === 0) {
      // Whoever waits for it is told as if everybody had been asked.
      blob.hadNoRoom = false
      blob.retryAt = now + options.blobRetryMs
      return false
    }
    blob.fetching = true
    this.#fetching++
    emit({ kind: 'fetch-blob', ref: blob.ref, from })
    return false
  }

  #fetched(blob: Blob): void {
    if (blob.fetching) this.#fetching--
    blob.fetching = false
  }

  #offer(blob: Blob, nodes: readonly NodeId[]): void {
    const { now, options, members } = this.#context
    for (const node of nodes) {
      const offeredAt = blob.offeredAt.get(node) ?? Number.NEGATIVE_INFINITY
      if (!members.isLinked(node) || now < offeredAt + options.blobRetryMs) continue
      blob.offeredAt.set(node, now)
      this.#offers.offer(node, blob.ref)
    }
  }

  /**
   * Whoever stands behind this node in line may have let go of the blob in its favour since it was last heard, as its
   * writer does. That is no matter while this node stays.
   */
  #askAnew(blob: Blob): void {
    blob.keepers.clear()
    blob.offeredAt.clear()
  }

  /** Which of the blob's holders, other than this node, are not known to have it. */
  #lacking(blob: Blob, keepers: readonly Keeper[]): NodeId[] {
    return holdersOf(blob.ref.hash, keepers).filter(
      node => node !== this.#context.node && !this.#isKeptBy(blob, node)
    )
  }

  /** What an earlier boot of a member had is not believed to be there still. */
  #isKeptBy(blob: Blob, node: NodeId): boolean {
    const member = this.#context.members.get(node)
    if (member === undefined || isOut(member) || member.crashed) return false
    return blob.keepers.get(node) === member.heartbeat.boot
  }

  /** Whether all that those have is in one place only. Then whoever is to go is the second one, until it has gone. */
  #isSecondPlace([first, ...others]: readonly Keeper[]): boolean {
    if (others.length === 0) return true
    const isApart = (computer: string | null): boolean => areApart(computer, first!.computer)
    return isApart(this.#context.computer) && !others.some(({ computer }) => isApart(computer))
  }

  /** Whether others may have forgotten all tasks that name a blob. */
  #isPast(hash: BlobHash): boolean {
    return [...this.#references.tasksOf(hash)].every(id => this.#mayBeForgotten(id))
  }

  /** Whether one of its holders is about to leave. */
  #isHolderGoing(hash: BlobHash): boolean {
    const { members } = this.#context
    const holders = this.#holders(hash)
    return holders.some(node => members.get(node)?.heartbeat.draining ?? false)
  }

  /** Whether this node is one of the two that are to keep a blob that is needed, or keeps it for want of these. */
  #isShare(hash: BlobHash): boolean {
    if (!this.#references.has(hash)) return false
    if (this.#isSecured(hash)) return true
    return this.#holders(hash).includes(this.#context.node)
  }

  #holders(hash: BlobHash): NodeId[] {
    return holdersOf(hash, this.#fitFor(hash, this.#placementRing.keepers))
  }

  /** Those of them that keep a blob of this kind: to members of earlier versions nothing names that of a checkpoint. */
  #fitFor(hash: BlobHash, keepers: readonly Keeper[]): readonly Keeper[] {
    const isCheckpoint = this.#references.has(hash)
      ? this.#references.isCheckpoint(hash)
      : this.#copyWait.isSaved(hash)
    return isCheckpoint ? keepers.filter(({ keepsCheckpoints }) => keepsCheckpoints) : keepers
  }

  #isSecured(hash: BlobHash): boolean {
    if (this.#keepers.isDraining || this.#secured.size === 0) return false
    return [...this.#references.tasksOf(hash)].some(id => this.#secured.has(id))
  }

  /** From here on these nodes keep all blobs among them. */
  #share(keepers: readonly Keeper[]): void {
    const { now } = this.#context
    this.#placementRing.keepers = keepers
    for (const blob of this.#blobs.values()) blob.touchedAt = Math.min(blob.touchedAt, now)
    for (const ref of this.#references.blobs()) this.#attendShare(ref)
  }

  #forget(hash: BlobHash): true {
    this.#blobs.delete(hash)
    this.#provisionalBlobs.close(hash)
    return true
  }

  #touch(ref: BlobRef): Blob {
    const blob = this.#blob(ref)
    blob.touchedAt = this.#context.now
    return blob
  }

  #blob(ref: BlobRef): Blob {
    let blob = this.#blobs.get(ref.hash)
    if (blob === undefined) {
      blob = new Blob(ref, this.#context.now)
      this.#blobs.set(ref.hash, blob)
    }
    return blob
  }
}
