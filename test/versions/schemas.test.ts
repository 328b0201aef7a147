/** Programs that read what an earlier version printed find all its fields in what this one prints. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fieldsOf, type JsonSchema } from './schema-fields.ts'

const schemas = new URL('../../config/schemas/', import.meta.url)
const listed = readFileSync(new URL('./fixtures/fields.txt', import.meta.url), 'utf8')

test('no field that a schema has listed disappears, and none that was always there becomes rare', () => {
  const missing = listed.split('\n').filter(line => {
    const [file, field] = line.split(' ')
    if (file === undefined || field === undefined) return false
    const fields = fieldsOf(JSON.parse(readFileSync(new URL(file, schemas), 'utf8')) as JsonSchema)
    return !fields.includes(field) && !fields.includes(field.replace(/\?$/, ''))
  })
  expect(missing).toEqual([])
})

test('a schema lists fields at any depth, those that need not be there with a question mark', () => {
  const schema: JsonSchema = {
    required: ['list'],
    properties: {
      list: { items: { anyOf: [{ properties: { deep: {} } }, { $ref: '#/$defs/other' }] } },
      record: { additionalProperties: { properties: { value: {} }, required: ['value'] } },
      self: { $ref: '#' }
    },
    $defs: { other: { properties: { referred: {} }, required: ['referred'] } }
  }
  expect(fieldsOf(schema)).toEqual([
    'list',
    'list[].deep?',
    'list[].referred',
    'record.*.value',
    'record?',
    'self?'
  ])
})
