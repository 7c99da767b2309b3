/** About src/evals/tasks/template.ts */
import { describe, expect, it } from 'vitest';
import { type Document, Template } from '../../../src/evals/tasks/template.js';

const document: Document = {
  question: 'Why?',
  choices: { text: ['a', 'b'], label: ['A', 'B'] },
  answerKey: 'B',
  text: 'the cat sat',
  n: 3,
};
const template = (source: string) => new Template(source, 'prompt of x.yaml');
const failure = (source: string, of = document) => {
  try {
    return template(source).value(of);
  } catch (error) {
    return error as Error & { code: string; hint: string };
  }
};

describe('a template', () => {
  it.each([
    ['Question: {{question}}\nAnswer:\n', 'Question: Why?\nAnswer:\n'],
    ['{{choices.label.index(answerKey)}}', 1],
    ['{{choices.text}}', ['a', 'b']],
    ["{{text.split(' ')[:-1]|join(' ')}}", 'the cat'],
    ["{{text.find('cat')}}", 4],
    ['{% if nothing is defined %}a{% else %}b{% endif %}', 'b'],
    ["{{nothing|default('z')}}", 'z'],
    ['{% for one in choices.text %}{{loop.index}}{{one}}{% endfor %}', '1a2b'],
  ])('%j is %j', (source, value) => {
    expect(template(source).value(document)).toEqual(value);
  });

  it('that names a field which documents lack says which they have', () => {
    expect(failure('{{quesion}}')).toMatchObject({
      code: 'template-field-missing',
      message: expect.stringContaining('names "quesion"'),
      hint: expect.stringMatching(/Did you mean "question"\? They have: question, choices/),
    });
    expect(failure('{{choices.nothing}}')).toMatchObject({ code: 'template-invalid' });
  });

  it.each([
    '{% for a in range(999) %}{% for b in range(999) %}x{% endfor %}{% endfor %}',
    '{% for a in range(1000000000) %}x{% endfor %}',
    "{% set s = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(60) %}{% set s.x = s.x ~ s.x %}{% endfor %}",
    '{% macro m(a) %}{{ m(a) }}{% endmacro %}{{ m(1) }}',
    `{{ ${'('.repeat(30_000)}1${')'.repeat(30_000)} }}`,
    '{{ text[',
    '{{ text|nofilter }}',
    `${'x'.repeat(70_000)}`,
  ])('%#: one that never ends, grows or is none is refused', (source) => {
    expect(failure(source)).toMatchObject({ code: expect.stringMatching(/^template-/) });
  });

  it('takes a field called as the interpreter’s own names as a field', () => {
    const of = { range: 'r', true: 't', namespace: 'n', constructor: 'c', __proto__: null };
    expect(template('{{range}}{{true}}{{constructor}}').text(of)).toBe('rtc');
  });
});
