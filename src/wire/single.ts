/**
 * Values that stand by themselves: numbers, texts, words. What they may be is said by their shapes.
 */
import {
  placeOf,
  type BinaryShape,
  type OneOfShape,
  type OpenShape,
  type Other,
  type RealShape,
  type Shape,
  type TextShape,
  type WholeShape
} from '../core/base/shape.ts'
import { shared } from './names.ts'
import {
  BYTES,
  endOf,
  expect,
  FIXED64,
  quote,
  refuse,
  Refused,
  VARINT,
  type Value
} from './value.ts'

/** How a single value is written: what its shape says is enough. */
export function valueOf<T>(shape: Shape<T>): Value<T> {
  const make = SINGLE[shape.kind as keyof typeof SINGLE] as (of: unknown) => unknown
  return make(shape) as Value<T>
}

/** A whole number; one that may exceed 32 bits is sent as a double. */
function uint({ min, max }: WholeShape): Value<number> {
  const wide = max >= 2 ** 32
  return {
    write: (writer, field, value) => {
      if (wide) writer.uint32((field << 3) | FIXED64).double(value)
      else writer.uint32((field << 3) | VARINT).uint32(value)
    },
    read: (reader, wireType) => {
      expect(wireType, wide ? FIXED64 : VARINT)
      return whole(wide ? reader.double() : reader.uint32(), min, max)
    }
  }
}

/** A whole number that may exceed 32 bits and hardly ever does: a byte while it is small. */
export function varint({ min, max }: WholeShape): Value<number> {
  return {
    write: (writer, field, value) => void writer.uint32((field << 3) | VARINT).uint64(value),
    read: (reader, wireType) => {
      expect(wireType, VARINT)
      return whole(Number(reader.uint64()), min, max)
    }
  }
}

function whole(value: number, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new Refused(`${value} is not a whole number from ${min} to ${max}`)
  }
  // A small number out of a double would stay one, with an object of its own.
  const small = value | 0
  return small === value ? small : value
}

function real({ min, max }: RealShape): Value<number> {
  return {
    write: (writer, field, value) => void writer.uint32((field << 3) | FIXED64).double(value),
    read: (reader, wireType) => {
      expect(wireType, FIXED64)
      const value = reader.double()
      if (!(value >= min && value <= max)) {
        throw new Refused(`${value} is not a number from ${min} to ${max}`)
      }
      return value
    }
  }
}

function flag(): Value<boolean> {
  return {
    write: (writer, field, value) => void writer.uint32((field << 3) | VARINT).bool(value),
    read: (reader, wireType) => {
      expect(wireType, VARINT)
      return reader.bool()
    }
  }
}

function text(shape: TextShape): Value<string> {
  const full = fullText(shape)
  return shape.isName ? name(full, shape.bytesMax) : full
}

function fullText({ bytesMax, pattern }: TextShape): Value<string> {
  return {
    write: (writer, field, value) => void writer.uint32((field << 3) | BYTES).string(value),
    read: (reader, wireType) => {
      expect(wireType, BYTES)
      const start = reader.pos
      const bytes = reader.uint32()
      if (bytes > bytesMax) refuse(`a text of ${bytes} bytes where ${bytesMax} are allowed`)
      reader.pos = start
      // A lenient reader would mend broken UTF-8, and each bad byte would grow to three.
      const value = reader.stringVerify()
      if (pattern?.test(value) === false) refuse(`${quote(value)} has a wrong form`)
      return value
    }
  }
}

function binary({ bytesMax }: BinaryShape): Value<Uint8Array> {
  return {
    write: (writer, field, value) => void writer.uint32((field << 3) | BYTES).bytes(value),
    read: (reader, wireType) => {
      expect(wireType, BYTES)
      const value = reader.bytes()
      if (value.length > 0 && value.length <= bytesMax) return value
      throw new Refused(`${value.length} bytes where 1 to ${bytesMax} are allowed`)
    }
  }
}

/** Text that occurs often in one message: written out once. */
function name(full: Value<string>, bytesMax: number): Value<string> {
  return {
    write: (writer, field, value, names) => {
      const number = names.number(value)
      if (number !== undefined) {
        writer.uint32((field << 3) | VARINT).uint32(number)
        return
      }
      names.add(value)
      full.write(writer, field, value, names)
    },
    read: (reader, wireType, names) => {
      if (wireType === VARINT) {
        const number = reader.uint32()
        return names.at(number) ?? refuse(`name ${number} was not introduced`)
      }
      const value = shared(full.read(reader, wireType, names))
      names.add(value)
      return value
    },
    skim: (reader, wireType, names) => {
      if (wireType !== BYTES) return reader.skipType(wireType)
      const value = reader.string()
      if (value.length > bytesMax) refuse(`a name of ${value.length} letters`)
      names.add(value)
    }
  }
}

/** One of a fixed list, sent as its place in it. */
function oneOf<T extends string>({ values }: OneOfShape<T>): Value<T> {
  return {
    write: (writer, field, value) =>
      void writer.uint32((field << 3) | VARINT).uint32(values.indexOf(value)),
    read: (reader, wireType) => {
      expect(wireType, VARINT)
      const place = reader.uint32()
      return values[place] ?? refuse(`there is no number ${place} in ${values.join(', ')}`)
    }
  }
}

/** The same of a list that later versions may make longer, at its end. */
function open<T extends string>({ values }: OpenShape<T>): Value<T | Other> {
  return {
    write: (writer, field, value) =>
      void writer.uint32((field << 3) | VARINT).uint32(placeOf(values, value)),
    read: (reader, wireType) => {
      expect(wireType, VARINT)
      const place = reader.uint32()
      return values[place] ?? `other:${place}`
    }
  }
}

const SINGLE = { whole: uint, real, text, binary, flag, 'one-of': oneOf, open }

/** Whole numbers, a byte each while they are small. */
export function packedNumbers(
  { min, max }: WholeShape,
  countMax: number
): Value<readonly number[]> {
  const wide = max - min >= 2 ** 32
  return {
    write: (writer, field, values) => {
      writer.uint32((field << 3) | BYTES).fork()
      if (wide) for (const value of values) writer.uint64(value - min)
      else for (const value of values) writer.uint32(value - min)
      writer.ldelim()
    },
    read: (reader, wireType) => {
      expect(wireType, BYTES)
      const end = endOf(reader)
      const values: number[] = []
      while (reader.pos < end) {
        if (values.length === countMax) throw new Refused(`more than ${countMax} numbers`)
        const value = (wide ? Number(reader.uint64()) : reader.uint32()) + min
        if (value > max) throw new Refused(`${value} is above ${max}`)
        values.push(value)
      }
      if (reader.pos !== end) throw new Refused('a packed list ends within a number')
      return values
    }
  }
}
