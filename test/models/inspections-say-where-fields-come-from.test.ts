import { describe, expect, it } from 'vitest';
import { describeCheckpoint } from '../../src/models/checkpoint.js';
import { inspectCheckpoint } from '../../src/models/inspection.js';
import { inspectionText } from '../../src/models/inspection-text.js';
import { smallNetwork, writeCheckpoint, writeModel } from './small-network.js';

const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;

describe('an inspection', () => {
  it('shows each field with its source, and the tensors', async () => {
    const path = writeCheckpoint(
      { family: 'duo', bosTokenId: 3, colour: 'blue' },
      smallNetwork({ sigma: true }),
    );
    const inspection = await inspectCheckpoint(describeCheckpoint(path, { length: 16 }));
    expect(inspection.fields).toMatchObject({
      family: { value: 'duo', from: 'card' },
      length: { value: 16, from: 'flag' },
      vocabSize: { value: 32, from: 'detected' },
      schedule: { from: 'default' },
      eosTokenId: { value: null, from: 'missing' },
    });
    expect(inspection.model).toMatchObject({ opset: 21, parameters: 2 * 32 * 16, externalData: [] });
    expect(inspection.unknownKeys).toEqual({ colour: 'blue' });
    const text = inspectionText(inspection, 80);
    for (const line of [
      /family +card +duo/,
      /length +flag +16/,
      /vocabSize +detected +32/,
      /schedule +default +log-linear/,
    ]) {
      expect(text).toMatch(line);
    }
    expect(inspection.model.weights).toEqual([{ as: 'float32', parameters: 1024, bytes: 4096 }]);
    expect(text).toMatch(/stored as +float32: 1,024 \(4\.10 kB\)/);
    expect(text).toMatch(/input +sigma +float32 +\[batch\]/);
    expect(text).toMatch(/output +logits +float32 +\[batch, length, 32\]/);
  });

  it('says what is missing by the flag that gives it', async () => {
    const { problems, remarks } = await inspectCheckpoint(describeCheckpoint(writeModel(smallNetwork())));
    expect(problems.map(({ hint }) => hint).join()).toContain('--family');
    const advice = remarks.map(({ hint }) => hint).join();
    for (const flag of ['--tokenizer', '--length']) expect(advice).toContain(flag);
  });

  it('finds a card that names another file’s digest', async () => {
    const path = writeCheckpoint({ family: 'ar', sha256: '0'.repeat(64) });
    const { problems } = await inspectCheckpoint(describeCheckpoint(path));
    expect(problems.map(({ message }) => message).join()).toContain('000000000000…');
  });

  it('fits 80 columns, whatever the file says', async () => {
    const card = {
      family: 'ar',
      note: 'word '.repeat(100),
      trainedOn: 'x'.repeat(300),
      ['k'.repeat(40)]: { a: [1] },
    };
    const text = inspectionText(await inspectCheckpoint(describeCheckpoint(writeCheckpoint(card))), 80);
    // The first line is the path, which has to be one that can be copied.
    expect(
      Math.max(
        ...text
          .split('\n')
          .slice(1)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80);
    expect(text.replaceAll(/\s/g, '')).toContain('x'.repeat(300));
  });

  it('lets no text of the file act on the terminal, as a table or as JSON', async () => {
    const graph = smallNetwork();
    graph.setMetadata('duo-eval.note', JSON.stringify('\x1b[2Jhello\x9b31m\r\nthere'));
    graph.setMetadata('duo-eval.\x1b]0;title\x07key', '"\x7f"'.replace('\x7f', '\\u007f'));
    graph.model.producerName = 'evil\x1b[31m';
    const inspection = await inspectCheckpoint(describeCheckpoint(writeModel(graph), { family: 'ar' }));
    expect(inspectionText(inspection, 80)).not.toMatch(CONTROL);
    expect(inspectionText(inspection, 80)).toContain('hello');
    expect(JSON.stringify(inspection)).not.toMatch(/\\u00|[\x7f-\x9f]/);
  });
});
