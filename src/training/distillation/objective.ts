/**
 * The objective of a distillation, as a graph of two networks of one shape: the mean over all tokens of
 *
 *     KL(student ‖ teacher) = Σ_v p_v (ln p_v − ln q_v)      p of the student at z_t, q of the teacher at z_s
 *
 * or KL(teacher ‖ student). The teacher's weights are one input vector and have no gradient.
 */
import { fixAxes } from '../../graph/fix-axes.js';
import type { Graph, Value } from '../../graph/graph.js';
import { Exp, LogSoftmax, Mul, ReduceMean, ReduceSum, Sub } from '../../graph/operators.js';
import { packedOffsets, readWeightsFrom } from '../../graph/packed-weights.js';
import { checkDimensions, type Dimensions } from '../../models/architectures/dimensions.js';
import { denoiser, sequencePositions } from '../../models/architectures/dit.js';
import { embed } from '../../models/architectures/layers.js';
import { Network } from '../../models/architectures/network.js';
import { networkParameters, type Parameter } from '../../models/architectures/parameters.js';
import type { Objective } from '../objective.js';
import type { Divergence } from './settings.js';

/** Inputs of the teacher; the student's are those of a checkpoint. */
export const TEACHER = {
  /** float32: all its weights, in the order of the student's. */
  weights: 'teacher',
  /** int64 [batch, length] and float32 [batch] */
  ids: 'teacher_input_ids',
  sigma: 'teacher_sigma',
} as const;

export interface DistillationProblem {
  dimensions: Dimensions;
  batch: number;
  length: number;
  divergence: Divergence;
  /** Whether the networks use fused operators; true by default. */
  fused?: boolean;
}

export interface DistillationObjective extends Objective {
  /** float32 [batch, length] */
  perToken: Value;
}

/** Both forward passes and the objective; the student's weights are initializers without data.
 *  @throws ModelError when no such network exists */
export function distillationObjective({
  dimensions,
  batch,
  length,
  divergence,
  fused = true,
}: DistillationProblem): DistillationObjective {
  const parameters = networkParameters(checkDimensions(dimensions), { adaLN: true });
  const student = Network.create('distillation', dimensions, parameters, { fused });
  const { graph } = student;
  const ofTeacher = (name: string) => `${TEACHER.weights}.${name}`;
  const teacher = new Network(graph, dimensions, parameters, fused, (_, { name, dims }) =>
    graph.weight(ofTeacher(name), 'float32', dims),
  );
  const ofStudent = logProbabilities(student, 'input_ids', 'sigma');
  const target = graph.scope('teacher', () => logProbabilities(teacher, TEACHER.ids, TEACHER.sigma));
  readTeacher(graph, parameters, ofTeacher);

  const [p, q] = divergence === 'student-teacher' ? [ofStudent, target] : [target, ofStudent];
  const perToken = klDivergence(p, q);
  const objective = ReduceMean(perToken, { axes: [0, 1], keepdims: false });
  fixAxes(graph, { batch, length });
  return { graph, parameters, objective, perToken };
}

/** Σ_v p_v (ln p_v − ln q_v). @param logP, logQ [rows…, vocab]   @returns [rows…] */
export const klDivergence = (logP: Value, logQ: Value): Value =>
  ReduceSum(Mul(Exp(logP), Sub(logP, logQ)), { axes: [-1], keepdims: false });

/** [batch, length, vocab] */
function logProbabilities(network: Network, idsName: string, sigmaName: string): Value {
  const { graph } = network;
  const ids = graph.input(idsName, 'int64', ['batch', 'length']);
  const sigma = graph.input(sigmaName, 'float32', ['batch']);
  return LogSoftmax(denoiser(network, embed(network, ids), sigma, sequencePositions(ids)));
}

function readTeacher(graph: Graph, parameters: readonly Parameter[], nameOf: (name: string) => string): void {
  const vector = graph.input(TEACHER.weights, 'float32', [packedOffsets(parameters).total]);
  readWeightsFrom(
    vector,
    parameters.map(({ name, dims }) => ({ name: nameOf(name), dims })),
  );
}
