/** About src/commands/ppl.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { smallModel, writeModel } from './small-models.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
  writeModel(space, 'good', smallModel());
  space.write('text.txt', 'A little text. '.repeat(20));
});

const ppl = (dataset: string, ...more: string[]) =>
  space.run(['ppl', '--model', 'good.onnx', '--dataset', dataset, ...more]);

describe('data that is not there or holds too little', () => {
  it.each([
    ['gone.txt', 6, /There is no data file gone\.txt\./],
    ['notes=gone.txt', 6, /There is no data file gone\.txt\./],
    ['sotuu', 2, /There is no data set "sotuu"\./],
    ['ptb', 4, /The data set "ptb" does not come with duo-eval: it needs its file/],
  ])('%s', async (dataset, exit, says) => {
    expectFailure(await ppl(dataset), {
      exit,
      says,
      hint:
        dataset === 'sotuu'
          ? 'Did you mean sotu?'
          : dataset === 'ptb'
            ? '--dataset ptb=path'
            : 'Check the path',
    });
  });

  it('an empty file', async () => {
    space.write('empty.txt', '');
    expectFailure(await ppl('empty.txt'), {
      exit: 4,
      says: /The data set "empty(\.txt)?" \(empty\.txt\) is empty/,
    });
  });

  it('fewer tokens than one sequence', async () => {
    space.write('few.txt', 'Too few.');
    expectFailure(await ppl('few.txt'), {
      exit: 4,
      says: /has 8 tokens, too few for one sequence of 16/,
      hint: /choose a smaller --length/,
    });
  });

  it('two of one name', async () => {
    space.write('other/text.txt', 'Another text. '.repeat(20));
    expectFailure(await ppl('text.txt', '--dataset', 'other/text.txt'), {
      exit: 2,
      says: 'Two data sets are called "text".',
      hint: '--dataset first=path',
    });
  });

  it('one bad data set among good ones, before any model is run', async () => {
    const ran = await ppl('text.txt', '--dataset', 'gone.txt');
    expectFailure(ran, { exit: 6, says: /gone\.txt/ });
  });
});

describe('tables', () => {
  it.each([
    [
      'broken.jsonl',
      '{"text": "fine"}\n{"text": "torn\n',
      /broken\.jsonl, line 2 is not JSON\./,
      /Correct or remove/,
    ],
    [
      'array.jsonl',
      '{"text": "fine"}\n["text"]\n',
      /array\.jsonl, line 2 is JSON but not an object\./,
      /one object/,
    ],
    [
      'story.jsonl',
      '{"story": "fine"}\n',
      /story\.jsonl, line 1, has no column "text"; it has story\./,
      /--text-column/,
    ],
    ['number.jsonl', '{"text": 3}\n', /number\.jsonl, line 1: "text" should be text but is/, /row/],
    [
      'story.csv',
      'id,texts\n1,fine\n',
      /story\.csv.* has no column "text"; it has id, texts\./,
      /Did you mean texts\?/,
    ],
    ['quote.csv', 'id,text\n1,"fine\n', /quote\.csv/, /./],
    ['not.parquet', 'PAR1 this is not', /not\.parquet/, /./],
    ['not.txt.gz', 'this is not compressed', /not\.txt\.gz/, /./],
  ])('%s', async (name, content, says, hint) => {
    space.write(name, content);
    expectFailure(await ppl(name), { exit: 4, says, hint });
  });

  it('of a form nobody knows', async () => {
    space.write('text.docx', 'PK');
    expectFailure(await ppl('./text.docx'), { exit: 4, says: /text\.docx/, hint: /\.txt.*\.jsonl/ });
  });
});

describe('tokenizers', () => {
  it.each([
    ['gone', 'gone', null, 4],
    ['not JSON', 'broken.json', '{"model": ', 4],
    ['of no known kind', 'odd.json', '{"model": {"type": "Quantum"}}', 4],
    ['of no kind at all', 'plain.json', '{}', 4],
  ])('%s', async (_what, path, content, exit) => {
    if (content !== null) space.write(path, content);
    expectFailure(await ppl('text.txt', '--tokenizer', path), {
      exit,
      says: new RegExp(path.replace('.', '\\.')),
    });
  });

  it('whose ids lie outside the model’s vocabulary', async () => {
    const file = writeModel(space, 'narrow', smallModel({ vocabSize: 100 }), {
      bosTokenId: 99,
      eosTokenId: 99,
    });
    expectFailure(await space.run(['ppl', '--model', file, '--dataset', 'text.txt']), {
      exit: 4,
      says: 'The data hold the token 120; narrow knows 100 tokens, 0 to 99.',
      hint: /give --tokenizer/,
    });
  });

  it('whose BOS lies outside it', async () => {
    const file = writeModel(space, 'outside', smallModel(), { bosTokenId: 700, eosTokenId: 700 });
    expectFailure(await space.run(['ppl', '--model', file, '--dataset', 'text.txt']), {
      exit: 3,
      says: /the card says bosTokenId 700, but the vocabulary ends at 256\./,
    });
  });

  it('that writes the mask of a masked model', async () => {
    const file = writeModel(space, 'masked', smallModel(), { family: 'mdlm', maskTokenId: 116 });
    expectFailure(await space.run(['ppl', '--model', file, '--dataset', 'text.txt']), {
      exit: 4,
      says: /holds the token 116, which is the mask of masked/,
      hint: /maskTokenId/,
    });
  });
});

describe('a model that gives no numbers', () => {
  // The text has one Q, far from its start: the sequence that holds it is the one to be named.
  const text = `${'abcdefghijklmn'.repeat(20)}Q${'abcdefghijklmn'.repeat(5)}`;
  const spoilt = (value: number) => (read: number, scored: number) =>
    read === 81 && scored === 3 ? value : 0;

  it.each([
    ['nan', Number.NaN, 'not a number'],
    ['infinite', Number.POSITIVE_INFINITY, 'not a number'],
  ])('%s: the sequence is named', async (name, value, what) => {
    space.write('q.txt', text);
    const file = writeModel(space, name, smallModel({ logit: spoilt(value) }));
    for (const batch of ['1', '7']) {
      expectFailure(await space.run(['ppl', '--model', file, '--dataset', 'q.txt', '--batch', batch]), {
        exit: 5,
        says: `The loss of ${name} on sequence 20 is ${what}.`,
        hint: /NaN or infinite logits/,
      });
    }
  });

  it('an infinite loss, and at which noise level', async () => {
    // Every token but Q is impossible after anything.
    const file = writeModel(
      space,
      'sure',
      smallModel({ logit: (_, scored) => (scored === 81 ? 0 : -Infinity) }),
      {
        family: 'mdlm',
        vocabSize: 257,
        maskTokenId: 255,
      },
    );
    expectFailure(await space.run(['ppl', '--model', file, '--dataset', 'q.txt']), {
      exit: 5,
      says: /The loss of sure on sequence \d+, draw 0, α = 0\.\d+ is infinite\./,
    });
  });
});

describe('outputs', () => {
  it.each([
    [
      'in a folder that is not there',
      ['--out', 'no/such/out.json'],
      6,
      /no\/such\/out\.json cannot be written: there is no folder/,
    ],
    ['that is a folder', ['--out', '.'], 2, /The ending of --out \. does not say which format/],
    ['that is a folder, with a format', ['--out', '.', '--format', 'csv'], 6, /\. is a folder/],
    ['of an unknown ending', ['--out', 'out.xlsx'], 2, /The ending of --out out\.xlsx does not say/],
    ['given twice', ['--out', 'out.json', '--out', './out.json'], 2, /--out \.\/out\.json is given twice/],
    ['of two formats', ['--json', '--format', 'csv'], 2, /--json and --format csv ask for different formats/],
    ['of the log', ['--log-sequences', 'no/such/log.jsonl'], 6, /no\/such\/log\.jsonl cannot be written/],
  ])('%s', async (_what, flags, exit, says) => {
    const ran = await ppl('text.txt', ...flags);
    // Under --json the failure is on stdout, too; that is another test's.
    expectFailure({ ...ran, stdout: flags.includes('--json') ? '' : ran.stdout }, { exit, says });
  });

  it('that the cache cannot hold', async () => {
    space.write('a-file', '');
    const ran = await space.run(['ppl', '--model', 'good.onnx', '--dataset', 'text.txt'], {
      DUO_EVAL_CACHE: space.at('a-file'),
    });
    expectFailure(ran, { exit: 6, says: /a-file/, hint: /DUO_EVAL_CACHE/ });
  });
});

it('fixtures are where the tests look for them', async () => {
  expect((await ppl('text.txt', '--tokenizer', fixture('tokenizer'))).code).toBe(0);
});
