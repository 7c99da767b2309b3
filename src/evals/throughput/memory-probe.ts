/** The process that memory.ts starts: samples one batch, reports its peak memory, and ends. */
import { openCheckpoint } from '../../models/checkpoint.js';
import { endWithParent } from '../../models/child-process.js';
import { generate } from '../../sampling/generate.js';
import { prepareSampling } from '../../sampling/prepare-sampling.js';
import { sampledModel } from '../../sampling/sample-request.js';
import { startSamplingSession } from '../../sampling/sampling-session.js';
import type { MemoryProbe } from './memory.js';

endWithParent();
process.once('message', (probe: MemoryProbe) => {
  void measure(probe).catch(() => process.exit(1));
});

async function measure(probe: MemoryProbe): Promise<void> {
  const checkpoint = await openCheckpoint(probe.model, probe.overrides);
  const request = await prepareSampling({
    ...probe,
    checkpoint,
    samples: probe.batch,
    seed: 1,
    protocol: 'duo',
    fresh: true,
    traced: false,
  });
  const session = await startSamplingSession({ ...request, sampler: request.sampler.sampler });
  const plan = { ...request, model: sampledModel(checkpoint, request.tokenizer), source: session.source };
  for await (const _batch of generate(plan));
  // maxRSS is in KiB.
  process.send!(process.resourceUsage().maxRSS * 1024, () => process.exit(0));
}
