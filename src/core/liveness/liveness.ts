/** The floor of liveness: what this node says of itself, and how long the silence of others may last. */
export { CrashProbe } from './crash-probe.ts'
export { isFullMesh } from './full-mesh.ts'
export { Heartbeats } from './heartbeat.ts'
export { awaitedMs, worksAloneMs } from './isolation-timeout.ts'
export { Lateness, noteLag } from './lateness.ts'
export { LocalHealth } from './local-health.ts'
