/**
 * The types that a program's tasks have: which payload a type of task takes, and what its handler returns.
 *
 * A map from types of tasks to functions says both, such as the type of a handlers file: `typeof import('./work.ts')`.
 * The compiler then checks every submission, registration and wait. It is about types alone: at run time there is no
 * map, and a program without one may say anything.
 */
import type { TaskId } from '../core/base/ids.ts'
import type { Handler } from '../ports/handler.ts'

/** Any task, any payload, any result: what a program says that gives no map. */
// oxlint-disable-next-line typescript/no-explicit-any -- anything goes
export type AnyHandlers = Record<string, (payload: any, context: any) => any>

/** The types of tasks in a handler map: the names of its functions. */
export type TaskTypeOf<Handlers> = string extends keyof Handlers
  ? string
  : // In this form the compiler names the types where one is unknown, and not this alias.
    keyof {
      [
        Type in keyof Handlers as Handlers[Type] extends (...given: never[]) => unknown
          ? Type & string
          : never
      ]: Type
    }

/** What a task of the type is given: the first parameter of its function. */
export type PayloadOf<Handlers, Type extends keyof Handlers> = Handlers[Type] extends (
  payload: infer Payload,
  ...rest: never[]
) => unknown
  ? Payload
  : never

/** What comes of a task of the type, as JSON carries it: what its function returns or resolves to, null for nothing. */
export type ResultOf<Handlers, Type extends keyof Handlers> = Handlers[Type] extends (
  ...given: never[]
) => infer Returned
  ? void extends Awaited<Returned>
    ? unknown extends Awaited<Returned>
      ? Awaited<Returned>
      : Exclude<Awaited<Returned>, void | undefined> | null
    : Awaited<Returned>
  : never

declare const RESULT: unique symbol

/** A task's id that knows what comes of the task. At run time it is the id, a text like any other. */
export type TaskIdOf<Result> = TaskId & { readonly [RESULT]: Result }

/** What a handler of the type may return: what comes of its tasks, or nothing for null. */
export type HandledBy<Handlers, Type extends keyof Handlers> =
  | ResultOf<Handlers, Type>
  | (null extends ResultOf<Handlers, Type> ? void : never)

/** The function that handles a type of task. */
export type HandlerOf<Handlers, Type extends keyof Handlers> = Handler<
  PayloadOf<Handlers, Type>,
  HandledBy<Handlers, Type>
>
