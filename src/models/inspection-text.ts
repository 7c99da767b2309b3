/** An inspection as text: at most `width` columns; names and values from the file cannot control the terminal. */
import { displayWidth, plainText, wrap } from '../terminal-text.js';
import type { Advice, Inspection } from './inspection.js';
import type { TensorSignature } from './signature.js';

const INDENT = '  ';

/** @param bold formats headings, if the output supports it */
export function inspectionText(
  inspection: Inspection,
  width: number,
  bold: (heading: string) => string = (heading) => heading,
): string {
  const { model, fields, inputs, outputs, unknownKeys, problems, remarks } = inspection;
  const facts: [string, string][] = [
    ['size', `${bytes(model.size)}, ${count(model.parameters)} parameters`],
    ['stored as', model.weights.map(storedText).join('; ') || 'nothing'],
    ...model.externalData.map(({ file, size }): [string, string] => [
      'weights in',
      `${file}, ${bytes(size)}`,
    ]),
    ['format', `ONNX operator set ${model.opset}${model.producer ? `, by ${model.producer}` : ''}`],
    ['card', model.card ?? 'none'],
    ['sha256', model.sha256],
  ];
  // A default of nothing is a field that models of the family do not have.
  const known = Object.entries(fields).filter(([, { value, from }]) => from !== 'missing' && value !== null);
  const missing = Object.entries(fields).filter(([, { from }]) => from === 'missing');
  const sections = [
    [bold(plainText(model.path ?? model.name)), ...rows(facts, width)],
    [
      bold('Fields'),
      ...rows(
        known.map(([name, { value, from }]) => [name, from, valueText(value)]),
        width,
      ),
      ...rows(
        [['not said', missing.map(([name]) => name).join(', ')]].filter(([, names]) => names),
        width,
      ),
    ],
    [
      bold('Tensors'),
      ...rows(
        [
          ...inputs.map((tensor) => ['input', ...tensorCells(tensor)]),
          ...outputs.map((tensor) => ['output', ...tensorCells(tensor)]),
        ],
        width,
      ),
    ],
  ];
  const others = Object.entries(unknownKeys);
  if (others.length > 0) {
    sections.push([
      bold('Other keys of the card'),
      ...rows(
        others.map(([key, value]) => [key, valueText(value)]),
        width,
      ),
    ]);
  }
  if (problems.length > 0) sections.push([bold('Cannot be evaluated yet'), ...advice(problems, width)]);
  if (remarks.length > 0) sections.push([bold('Remarks'), ...advice(remarks, width)]);
  return sections.map((lines) => lines.join('\n')).join('\n\n');
}

const storedText = ({ as, parameters, bytes: size }: Inspection['model']['weights'][number]): string =>
  `${as}: ${count(parameters)} (${bytes(size)})`;

/** Aligned columns, the last one wrapped under itself. */
function rows(cells: readonly (readonly string[])[], width: number): string[] {
  const clean = cells.map((row) => row.map(plainText));
  const columns = (clean[0]?.length ?? 1) - 1;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...clean.map((row) => displayWidth(row[column]))),
  );
  const lead = INDENT.length + widths.reduce((sum, each) => sum + each + 2, 0);
  return clean.flatMap((row) => {
    const start = row
      .slice(0, columns)
      .map((cell, i) => cell + ' '.repeat(widths[i] - displayWidth(cell) + 2));
    const [first, ...rest] = breakLines(row[columns], Math.max(20, width - lead));
    return [`${INDENT}${start.join('')}${first}`.trimEnd(), ...rest.map((line) => ' '.repeat(lead) + line)];
  });
}

/** Wraps text at spaces, and inside words that are longer than a line. */
function breakLines(text: string, width: number): string[] {
  return wrap(text, width).flatMap((line) => {
    if (displayWidth(line) <= width) return [line];
    const characters = Array.from(line);
    const pieces: string[] = [];
    while (characters.length > 0) pieces.push(characters.splice(0, width).join(''));
    return pieces;
  });
}

function advice(list: readonly Advice[], width: number): string[] {
  return list.flatMap(({ message, hint }) => {
    const text = plainText([message, hint].filter(Boolean).join(' '));
    return breakLines(text, width - 4).map((line, i) =>
      i === 0 ? `${INDENT}- ${line}` : `${INDENT}  ${line}`,
    );
  });
}

function tensorCells({ name, dtype, shape }: TensorSignature): string[] {
  return [name, dtype ?? 'unknown', shape ? `[${shape.join(', ')}]` : 'any shape'];
}

/** Keys and values without quotes; what is inside another value stands in brackets. */
function valueText(value: unknown, isInner = false): string {
  if (typeof value === 'string') return value;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((inner) => valueText(inner, true)).join(', ')}]`;
  const entries = Object.entries(value).map(([key, inner]) => {
    const text = valueText(inner, true);
    return key === 'type' ? text : `${key} ${text}`;
  });
  return isInner ? `(${entries.join(', ')})` : entries.join(', ');
}

/** `4.7 MB`, in powers of ten, as `ls --si` prints. */
function bytes(size: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = size;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

const count = (value: number): string => value.toLocaleString('en-US');
