import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { temporaryFolder } from '../support/folder.js';
import { textsOf } from './text-sources.js';

const folder = temporaryFolder();

describe('the seven', () => {
  it.each(['ptb', 'lm1b'])(
    '%s: every line stripped, empty ones too, whatever the line ends',
    async (name) => {
      const content = ' one \r\ntwo\x85\n\n\u3000three\rfour';
      expect(await textsOf(`${name}=${folder.file('lines.txt', content)}`)).toEqual([
        'one',
        'two',
        '',
        'three',
        'four',
      ]);
      expect(await textsOf(`${name}=${folder.file('l.gz', gzipSync(content))}`)).toHaveLength(5);
      expect(await textsOf(`${name}=${folder.file('ends.txt', 'a\r\r\nb\r')}`)).toEqual(['a', '', 'b']);
    },
  );

  it.each(['wikitext2', 'wikitext103'])(
    '%s: lines keep their newline, blank ones are empty',
    async (name) => {
      const content = ' \n = Title = \n\n text \r\n\u2028\n end';
      expect(await textsOf(`${name}=${folder.file('wiki.valid.raw', content)}`)).toEqual([
        '',
        ' = Title = \n',
        '',
        ' text \n',
        '',
        ' end',
      ]);
    },
  );

  it('ag_news: title and description of a CSV without a header, with real quoting', async () => {
    const rows = '"3","A ""quoted"" title","Two\nlines, \\ and more"\n2, "T","D"\n';
    const texts = ['A "quoted" title Two\nlines, \\ and more', 'T D'];
    expect(await textsOf(`ag_news=${folder.file('test.csv', rows)}`)).toEqual(texts);
    const header = `Class Index,Title,Description\n${rows}`;
    expect(await textsOf(`ag_news=${folder.file('header.csv', header)}`)).toEqual(texts);
    expect(await textsOf(`ag_news=${folder.file('ag.csv', 'text\nas a table\n')}`, 'text')).toEqual([
      'as a table',
    ]);
  });

  it.each(['pubmed', 'arxiv'])(
    '%s: article_text joined by newlines, or the article joined before',
    async (name) => {
      const lines = '{"article_id":"1","article_text":["a b .","c ."]}\n{"article":"d\\ne","abstract":"x"}\n';
      for (const file of ['val.txt', 'val.jsonl', 'val.json'])
        expect(await textsOf(`${name}=${folder.file(file, lines)}`)).toEqual(['a b .\nc .', 'd\ne']);
    },
  );

  it('lambada: the text of each line', async () => {
    expect(await textsOf(`lambada=${folder.file('lambada', '{"text":"a"}\n{"text":"b"}')}`)).toEqual([
      'a',
      'b',
    ]);
  });

  it('have the split and the detokenizer of the protocol', async () => {
    const path = folder.file('any', 'x');
    const facts = async (name: string) => {
      const { split, detokenizer } = await resolveDataset({ spec: `${name}=${path}` });
      return [split, detokenizer?.name ?? null];
    };
    expect(await facts('ptb')).toEqual(['validation', 'ptb']);
    expect(await facts('wikitext103')).toEqual(['validation', 'wikitext']);
    expect(await facts('wikitext2')).toEqual(['validation', 'wikitext']);
    expect(await facts('lm1b')).toEqual(['test', 'lm1b']);
    expect(await facts('lambada')).toEqual(['test', 'lambada']);
    expect(await facts('ag_news')).toEqual(['test', null]);
    expect(await facts('pubmed')).toEqual(['validation', 'scientific-papers']);
    expect(await facts('arxiv')).toEqual(['validation', 'scientific-papers']);
  });
});
