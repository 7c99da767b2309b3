/**
 * Jinja templates of task files. They come from others, so each rendering has a budget: steps of the interpreter, and characters of
 * any text in it. A template that names a field that a document lacks is an error with the names that are there, where Jinja
 * would write nothing (lm-evaluation-harness renders with strict names, too).
 *
 * A template that is one expression has a value, such as a list of choices; any other has a text. Line ends stay as they are
 * written, which prompts want. Templates of chats (`chat`) do not: theirs end with their blocks, names that are not there have no value, and
 * there is a limit to their time, as in transformers, which they are written for.
 */
import * as jinja from '@huggingface/jinja';
import { closest, UsageError } from '../../errors.js';

/** A document: a row of a data set. */
export type Document = Readonly<Record<string, unknown>>;

/** Far above any prompt, and reached within a second; a chat has many messages. */
const MOST_STEPS = 20_000;
const MOST_CHAT_STEPS = 100_000;
const MOST_CHAT_MS = 1000;
const MOST_CHARACTERS = 2 ** 20;
const MOST_TEMPLATE = 2 ** 16;

// The package's own types name files that no module resolution of Node finds.
interface Node {
  type: string;
  value?: unknown;
}
interface Value {
  type: string;
  value: unknown;
}
interface Scope {
  /** @returns the value as the interpreter has it */
  set(name: string, value: unknown): Value;
}
interface Package {
  tokenize(source: string, options?: { lstrip_blocks?: boolean; trim_blocks?: boolean }): unknown[];
  parse(tokens: unknown[]): Node & { body: Node[] };
  Environment: new () => Scope;
  Interpreter: new (global: Scope) => { evaluate(node: Node | undefined, scope: Scope): Value };
}
const { tokenize, parse, Environment, Interpreter } = jinja as unknown as Package;

export class Template {
  private readonly program: ReturnType<Package['parse']>;

  /** @param where what names it in errors: `doc_to_text of arc.yaml`   @throws UsageError `template-invalid` */
  constructor(
    readonly source: string,
    private readonly where: string,
    private readonly kind: 'prompt' | 'chat' = 'prompt',
  ) {
    if (source.length > MOST_TEMPLATE) throw this.invalid(`it has more than ${MOST_TEMPLATE} characters`);
    try {
      // The lexer drops one line end at the end, as Jinja does by default; prompts keep theirs.
      this.program = parse(
        kind === 'chat'
          ? tokenize(source, { lstrip_blocks: true, trim_blocks: true })
          : tokenize(source.endsWith('\n') ? `${source}\n` : source),
      );
    } catch (cause) {
      throw this.invalid((cause as Error).message, cause);
    }
  }

  /** @throws UsageError for a missing field, a template beyond its budget, or what the interpreter cannot do */
  text(document: Document): string {
    return String(this.run(document, this.program));
  }

  /** The value of a template that is one expression, as plain data; else its text. */
  value(document: Document): unknown {
    const [first, ...others] = this.program.body;
    const isExpression = others.length === 0 && first !== undefined && !STATEMENTS.has(first.type);
    if (!isExpression) return this.text(document);
    return this.run(document, first);
  }

  private run(document: Document, node: Node): unknown {
    const environment = new Environment();
    for (const [name, value] of Object.entries({
      ...GLOBALS,
      ...(this.kind === 'chat' && CHAT_GLOBALS),
      ...document,
    }))
      if (!RESERVED.has(name)) environment.set(name, value);
    try {
      const interpreter = new StrictInterpreter(environment, Object.keys(document), this.kind);
      return plain(interpreter.evaluate(node, environment));
    } catch (cause) {
      if (cause instanceof UsageError) throw cause;
      if (cause instanceof MissingName) throw this.missing(cause);
      throw this.invalid((cause as Error).message, cause);
    }
  }

  private missing({ missing, known }: MissingName): UsageError {
    const near = closest(missing, known);
    return new UsageError({
      code: 'template-field-missing',
      message: `${this.where} names ${JSON.stringify(missing)}, which its documents do not have.`,
      hint: `${near === null ? '' : `Did you mean ${JSON.stringify(near)}? `}They have: ${known.slice(0, 20).join(', ') || 'nothing'}.`,
    });
  }

  private invalid(why: string, cause?: unknown): UsageError {
    return new UsageError({
      code: 'template-invalid',
      message: `${this.where} is no template that can be rendered: ${why.replace(/\.$/, '')}.`,
      hint: 'Templates are Jinja as @huggingface/jinja has it; docs/tasks.md says what they may use.',
      cause,
    });
  }
}

const STATEMENTS = new Set(['Set', 'If', 'For', 'Macro', 'CallStatement', 'FilterStatement', 'Comment']);
/** Declared by every environment. */
const RESERVED = new Set(['namespace']);
const MOST_RANGE = 1000;
const GLOBALS = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range(start: number, stop?: number, step = 1) {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    const count = Math.max(0, Math.ceil((to - from) / step));
    if (!(count <= MOST_RANGE)) throw new RangeError(`a range has more than ${MOST_RANGE} numbers`);
    return Array.from({ length: count }, (_, i) => from + i * step);
  },
};

/** What templates of chats refuse a chat with. */
const CHAT_GLOBALS = {
  raise_exception(why: unknown) {
    throw new Error(`it refuses the chat: ${String(why).slice(0, 200)}`);
  },
};

class MissingName extends Error {
  constructor(
    readonly missing: string,
    readonly known: readonly string[],
  ) {
    super(missing);
  }
}

/** Counts its steps, and knows no undefined value. */
class StrictInterpreter extends Interpreter {
  private steps = 0;
  /** Inside of a test or filter that asks whether a value is there, and everywhere in a chat. */
  private lenient: number;
  private readonly ends: number;

  constructor(
    scope: Scope,
    private readonly fields: readonly string[],
    private readonly kind: 'prompt' | 'chat',
  ) {
    super(scope);
    this.lenient = Number(kind === 'chat');
    this.ends = performance.now() + MOST_CHAT_MS;
  }

  override evaluate(node: Node | undefined, scope: Scope): Value {
    const most = this.kind === 'chat' ? MOST_CHAT_STEPS : MOST_STEPS;
    if (++this.steps > most) throw new RangeError('it takes too many steps');
    if (this.kind === 'chat' && performance.now() > this.ends) throw new RangeError('it takes too long');
    const asks = node !== undefined && asksWhetherDefined(node);
    if (asks) this.lenient++;
    const value = super.evaluate(node, scope);
    if (asks) this.lenient--;
    if (typeof value?.value === 'string' && value.value.length > MOST_CHARACTERS)
      throw new RangeError(`it makes a text of more than ${MOST_CHARACTERS} characters`);
    if (node === undefined || value?.type !== 'UndefinedValue' || this.lenient > 0) return value;
    return this.methodOfPython(node, scope) ?? this.refuse(node);
  }

  /** `index` of lists and texts, and `find`, which task files use and the interpreter lacks. */
  private methodOfPython(node: Node, scope: Scope): Value | null {
    const { type, object, property, computed } = node as unknown as MemberNode;
    if (type !== 'MemberExpression' || computed) return null;
    const found = super.evaluate(object, scope);
    const of = new Environment();
    if (property.value === 'index' && found.type === 'ArrayValue') {
      const list = found.value as { value: unknown }[];
      return of.set('index', (wanted: unknown) =>
        indexOrError(list.findIndex(({ value }) => value === wanted)),
      );
    }
    if (found.type !== 'StringValue') return null;
    const text = found.value as string;
    if (property.value === 'index')
      return of.set('index', (part: string) => indexOrError(text.indexOf(part)));
    if (property.value === 'find') return of.set('find', (part: string) => text.indexOf(part));
    return null;
  }

  private refuse(node: Node): never {
    const { type, value, property } = node as Node & MemberNode;
    if (type === 'Identifier') throw new MissingName(String(value), this.fields);
    if (type === 'MemberExpression') throw new RangeError(`there is no ${describeProperty(property)} there`);
    throw new RangeError('an expression of it has no value');
  }
}

interface MemberNode {
  type: string;
  object: Node;
  property: { type: string; value?: unknown };
  computed: boolean;
}

function asksWhetherDefined(node: Node): boolean {
  const { type, test, filter } = node as unknown as {
    type: string;
    test?: { value?: string };
    filter?: { value?: string; callee?: { value?: string } };
  };
  if (type === 'TestExpression') return /^(un)?defined$/.test(test?.value ?? '');
  return type === 'FilterExpression' && (filter?.value ?? filter?.callee?.value) === 'default';
}

const describeProperty = ({ type, value }: MemberNode['property']): string =>
  type === 'Identifier' || type === 'StringLiteral'
    ? JSON.stringify(String(value).slice(0, 80))
    : 'such item';

function indexOrError(index: number): number {
  if (index >= 0) return index;
  throw new RangeError('index() finds no such item');
}

/** A value of the interpreter as plain data. */
function plain(value: Value): unknown {
  const inner: unknown = value?.value;
  if (Array.isArray(inner)) return inner.map((item) => plain(item as Value));
  if (inner instanceof Map) return Object.fromEntries([...inner].map(([key, item]) => [key, plain(item)]));
  return inner;
}
