/** The architectures by name: their parameters, and the graph that a checkpoint file holds. */
import type { Graph } from '../../graph/graph.js';
import { blockDiffusionGraph } from './block-diffusion.js';
import { cachedCausalGraph } from './causal.js';
import type { Dimensions } from './dimensions.js';
import { ditGraph } from './dit.js';
import type { ArchitectureName } from './names.js';
import type { BuildOptions } from './network.js';
import { networkParameters, type Parameter } from './parameters.js';

export interface Architecture {
  parameters(dimensions: Dimensions): Parameter[];
  /** Builds a graph that meets the checkpoint contract. @throws ModelError when the dimensions are impossible */
  checkpointGraph(dimensions: Dimensions, options?: BuildOptions): Graph;
}

export const architectures: Record<ArchitectureName, Architecture> = {
  dit: {
    parameters: (dimensions) => networkParameters(dimensions, { adaLN: true }),
    checkpointGraph: ditGraph,
  },
  causal: {
    parameters: (dimensions) => networkParameters(dimensions, { adaLN: false }),
    checkpointGraph: cachedCausalGraph,
  },
  'block-diffusion': {
    parameters: (dimensions) => networkParameters(dimensions, { adaLN: true }),
    checkpointGraph: blockDiffusionGraph,
  },
};
