/**
 * The zero-shot protocol's detokenizers: each undoes the spacing of the published corpus. The rules and their
 * order are those of the reference implementation (s-sahoo/duo, dataloader.py), quirks included, because a published
 * perplexity depends on them. All run in time linear in the text, whatever the text.
 */
import { END, replace, strip, WORD } from './python-text.js';

export type DetokenizerName = 'ptb' | 'wikitext' | 'lm1b' | 'lambada' | 'scientific-papers';

export interface Detokenizer {
  name: DetokenizerName;
  detokenize(text: string): string;
}

type Rule = (text: string) => string;

const literal =
  (from: string, to: string): Rule =>
  (text) =>
    replace(text, from, to);
const pattern = (source: string, to: string): Rule => {
  const expression = new RegExp(source, 'gu');
  return (text) => text.replace(expression, to);
};

/**
 * `open\s*([^close]*?)\s*close` → the inner text, stripped. The closing mark is always the next one, so a scan does
 * the same without the pattern's quadratic time on texts with many open marks and no closing one.
 */
const stripInside =
  (open: string, close: string): Rule =>
  (text) => {
    let result = '';
    let from = 0;
    for (;;) {
      const start = text.indexOf(open, from);
      const end = start < 0 ? -1 : text.indexOf(close, start + 1);
      if (end < 0) return from === 0 ? text : result + text.slice(from);
      result += text.slice(from, start + 1) + strip(text.slice(start + 1, end)) + close;
      from = end + 1;
    }
  };

const PTB: readonly Rule[] = [
  literal(" 's", "'s"),
  literal("s ' ", "s' "),
  literal(" n't", "n't"),
  literal(' \n ', '\n'),
  literal('\\/', '/'),
  // Ten times: neighbours share a space, so one pass leaves every other N.
  ...Array.from({ length: 10 }, () => literal(' N ', ' 1 ')),
  literal('$ 1', '$1'),
  literal('# 1', '#1'),
  literal('<unk>', '?'),
];

const WIKITEXT: readonly Rule[] = [
  literal("s '", "s'"),
  // As in the reference: the slashes are part of the pattern, and the replacement is plain text.
  pattern("/' [0-9]/", "/'[0-9]/"),
  literal(' @-@ ', '-'),
  literal(' @,@ ', ','),
  literal(' @.@ ', '.'),
  ...[':', ';', '.', '!', '?', ','].map((mark) => literal(` ${mark} `, `${mark} `)),
  stripInside('(', ')'),
  stripInside('[', ']'),
  stripInside('{', '}'),
  stripInside('"', '"'),
  stripInside("'", "'"),
  literal('= = = =', '===='),
  literal('= = =', '==='),
  literal('= =', '=='),
  literal(' \u00b0 ', '\u00b0'),
  literal(' \n', '\n'),
  literal('\n ', '\n'),
  literal(' N ', ' 1 '),
  literal(" 's", "'s"),
];

const LM1B: readonly Rule[] = [
  literal('http : / / ', 'http://'),
  literal('https : / / ', 'https://'),
  pattern(` '([${WORD}]+)`, "'$1"),
  pattern(` ([${WORD}]+) \\. `, ' $1. '),
  pattern(` ([${WORD}]+) \\.${END}`, ' $1.'),
  literal(' ? ', '? '),
  pattern(` \\?${END}`, '?'),
  literal(' ! ', '! '),
  pattern(` !${END}`, '!'),
  ...[',', ':', ';'].map((mark) => literal(` ${mark} `, `${mark} `)),
  literal(' / ', '/'),
  pattern('" ([^"]+) "', '"$1"'),
  pattern("' ([^']+) '", "'$1'"),
  pattern('\\( ([^()]+) \\)', '($1)'),
  pattern('\\[ ([^\\[\\]]+) \\]', '[$1]'),
  literal('$ ', '$'),
  literal('\u00a3 ', '\u00a3'),
];

const LAMBADA: readonly Rule[] = [
  literal('\u201c', '"'),
  literal('\u201d', '"'),
  (text) => `\n${strip(text)}`,
];

const RULES: Record<DetokenizerName, readonly Rule[]> = {
  ptb: PTB,
  wikitext: WIKITEXT,
  lm1b: LM1B,
  lambada: LAMBADA,
  'scientific-papers': [...WIKITEXT, ...LM1B],
};

export function detokenizer(name: DetokenizerName): Detokenizer {
  return { name, detokenize: (text) => RULES[name].reduce((changed, rule) => rule(changed), text) };
}
