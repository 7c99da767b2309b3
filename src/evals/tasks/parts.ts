/** A document's prompt, choices and target, from the parts that a task declares. */
import { DataError } from '../../errors.js';
import { pythonLiteral } from './functions.js';
import type { Part, Task } from './task.js';
import type { Document, Template } from './template.js';

/** A template that is the name of a field has the value of that field. */
function fieldOrValue(template: Template, document: Document): unknown {
  return Object.hasOwn(document, template.source) ? document[template.source] : template.value(document);
}

function rawOf(part: Part, document: Document): unknown {
  if (part.kind === 'constant') return part.value;
  return part.kind === 'function' ? part.of(document) : fieldOrValue(part.template, document);
}

/** @param where what names the document: `test, document 3` */
export function promptOf({ prompt }: Task, document: Document, where: string): string | number {
  const value = rawOf(prompt, document);
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw unusable(where, 'its prompt is no text');
}

/** @throws DataError where there are fewer than two, or one is no text or empty */
export function choicesOf({ choices }: Task, document: Document, where: string): string[] {
  if (choices === null) throw unusable(where, 'its task declares no choices');
  let value = rawOf(choices, document);
  if (typeof value === 'string') value = pythonLiteral(value);
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) value = Object.values(value);
  if (!Array.isArray(value)) throw unusable(where, 'its choices are no list');
  if (value.length < 2)
    throw unusable(where, `it has ${value.length} choice${value.length === 1 ? '' : 's'}`);
  const texts = value.map((one) => (typeof one === 'number' ? String(one) : one));
  for (const [i, one] of texts.entries()) {
    if (typeof one !== 'string') throw unusable(where, `its choice ${i} is no text`);
    if (one === '') throw unusable(where, `its choice ${i} is empty`);
  }
  return texts;
}

/**
 * Indices of the right choices: from an index, from the text of a choice, or from a list of them.
 * @throws DataError for one that is out of range, as where a test set has its answers hidden
 */
export function answersOf(value: unknown, choices: readonly string[], where: string): [number, ...number[]] {
  const indexOf = (one: unknown): number => {
    if (typeof one === 'boolean') return Number(one);
    if (typeof one === 'number') return one;
    if (typeof one !== 'string') return -1;
    // A text of digits is an index, as in lm-evaluation-harness, even where a choice reads so.
    return /^\d+$/.test(one) ? Number(one) : choices.indexOf(one);
  };
  const wanted = Array.isArray(value) ? value : [value];
  const found = wanted.map(indexOf);
  const bad = found.findIndex((index) => !(Number.isInteger(index) && index >= 0 && index < choices.length));
  const [first, ...others] = found;
  if (bad < 0 && first !== undefined) return [first, ...others];
  const shown = JSON.stringify(wanted[bad] ?? null)?.slice(0, 60);
  throw unusable(
    where,
    `its target ${shown} is none of its ${choices.length} choices; a split with hidden answers cannot be scored`,
    'target-out-of-range',
  );
}

export function targetOf({ target }: Task, document: Document): unknown {
  return rawOf(target, document);
}

/** @throws DataError where the target is no text */
export function targetTextOf(task: Task, document: Document, where: string): string {
  const value = targetOf(task, document);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw unusable(where, 'its target is no text');
}

export function unusable(where: string, why: string, code = 'document-unusable'): DataError {
  return new DataError({
    code,
    message: `${where}: ${why}.`,
    hint: 'Check that the data and their split are those of the task.',
  });
}
