/** A row of numbers as small bars. */
import type { JSX } from 'preact'

const WIDTH = 120
const HEIGHT = 26

export function Spark({
  values,
  label
}: Readonly<{ values: readonly number[]; label: string }>): JSX.Element {
  const most = Math.max(1, ...values)
  const step = WIDTH / values.length
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={label}
    >
      {values.map((value, n) => {
        const height = value === 0 ? 1 : Math.max(2, (value / most) * HEIGHT)
        return <rect key={n} x={n * step} y={HEIGHT - height} width={step - 0.6} height={height} />
      })}
    </svg>
  )
}
