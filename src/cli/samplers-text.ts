/** The list of samplers as text: one paragraph per sampler, with its options below. */
import { wrap } from '../terminal-text.js';

interface Listed {
  name: string;
  summary: string;
  families: readonly string[];
  aliases?: Readonly<Record<string, Readonly<Record<string, number | string | boolean>>>>;
  options?: Readonly<
    Record<
      string,
      {
        default: number | string | boolean;
        summary: string;
        min?: number;
        max?: number;
        choices?: readonly string[];
      }
    >
  >;
}

/** @param width columns of the terminal */
export function samplersText(samplers: readonly Listed[], width: number): string {
  const widest = Math.max(...samplers.map(({ name }) => name.length));
  return samplers
    .map(({ name, summary, families, options = {}, aliases = {} }) =>
      [
        `${name.padEnd(widest)}  ${families.join(', ')}`,
        ...indent(summary, 2, width),
        ...Object.entries(options).flatMap(([option, spec]) =>
          indent(`${option}=${spec.default}  ${describeOption(spec)}`, 4, width),
        ),
        ...Object.entries(aliases).flatMap(([alias, values]) =>
          indent(`--sampler ${alias}  ${name} with ${assignments(values)}`, 4, width),
        ),
      ].join('\n'),
    )
    .join('\n\n');
}

const assignments = (values: Readonly<Record<string, number | string | boolean>>): string =>
  Object.entries(values)
    .map(([option, value]) => `${option}=${value}`)
    .join(', ');

function describeOption({ summary, min, max, choices }: NonNullable<Listed['options']>[string]): string {
  if (choices) return `${summary} One of ${choices.join(', ')}.`;
  return min !== undefined && max !== undefined ? `${summary} In [${min}, ${max}].` : summary;
}

/** Lines after the first of a paragraph are indented by two more columns. */
function indent(text: string, columns: number, width: number): string[] {
  const lines = wrap(text, Math.max(20, width - columns - 2));
  return lines.map((line, i) => ' '.repeat(columns + (i > 0 ? 2 : 0)) + line);
}
