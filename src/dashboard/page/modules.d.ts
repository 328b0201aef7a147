/** What the build makes of imports that are no modules. */

/** The address of a file that a worker is started with. */
declare module '*?worker&url' {
  const address: string
  export default address
}

declare module '*.css'
