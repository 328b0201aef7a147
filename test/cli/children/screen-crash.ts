/** Has the terminal, and dies of a mistake. */
import { Screen } from '../../../src/cli/top/screen.ts'

const screen = new Screen(process.stdin, process.stdout, true)
screen.enter(
  () => {},
  () => {}
)
screen.draw([{ text: 'drawn' }])
setTimeout(() => {
  throw new Error('on purpose')
}, 100)
