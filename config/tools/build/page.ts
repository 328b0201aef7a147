/**
 * The page of the dashboard: what `src/dashboard/page/index.html` leads to, in a few small files without any other
 * origin. It has no data and no code that is made of texts, so that the server's headers may forbid both.
 */
import { join } from 'node:path'
import { build, type Rolldown } from 'vite'

/**
 * @param folder is made
 * @returns the files of packages that are in the page
 */
export async function buildPage(root: string, folder: string): Promise<Set<string>> {
  const files = new Set<string>()
  const noted: Rolldown.Plugin = {
    name: 'note-packages',
    generateBundle(_options, output) {
      for (const one of Object.values(output)) {
        if (one.type === 'chunk') for (const id of one.moduleIds) files.add(id)
      }
    }
  }
  await build({
    root: join(root, 'src/dashboard/page'),
    configFile: false,
    envDir: false,
    logLevel: 'warn',
    publicDir: 'public',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    plugins: [noted],
    worker: { format: 'es', plugins: () => [noted] },
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: 'es2024',
      // What is small is no text within another file: the headers allow none of that.
      assetsInlineLimit: 0,
      modulePreload: false,
      reportCompressedSize: false
    }
  })
  return new Set([...files].filter(file => file.includes('/node_modules/')))
}
