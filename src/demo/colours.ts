/** One colour per node, the same in the picture and on the terminal. */

/** Red, green, blue; 0 to 255. */
export type Colour = readonly [number, number, number]

/**
 * Told apart at a glance, also next to each other and also in pairs of one computer; twelve, as many as the demo
 * starts.
 */
const colours: readonly Colour[] = [
  [230, 75, 60],
  [245, 160, 50],
  [70, 170, 90],
  [170, 200, 60],
  [65, 125, 225],
  [70, 195, 215],
  [165, 90, 205],
  [235, 120, 180],
  [150, 110, 75],
  [225, 205, 80],
  [120, 130, 150],
  [40, 150, 140]
]

/** What a node that is none of ours is drawn in. */
const unknownColour: Colour = [128, 128, 128]

/** The colour of the node at this place of the list of nodes. */
export function nodeColour(index: number): Colour {
  return colours[index] ?? unknownColour
}
