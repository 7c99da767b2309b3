/**
 * The names that a pickle may use. A pickle can name any function of a Python installation and have it called. Here nothing is
 * ever called, and only the names on this list are accepted: containers, descriptions of tensors, and, as plain data, the
 * configuration and tokenizer classes in the hyperparameters of every .ckpt of the reference's training.
 */

/** What to do when the pickle applies a name to arguments. */
export type GlobalKind =
  | 'dict'
  | 'list'
  | 'tuple'
  | 'set'
  | 'bytes'
  | 'tensor'
  | 'tensor-v3'
  | 'parameter'
  | 'reconstruct'
  /** Never applied: a type, as a value. */
  | 'type'
  /** Kept with its arguments and state, as data. */
  | 'description';

const EXACT: Readonly<Record<string, GlobalKind>> = {
  'collections.OrderedDict': 'dict',
  'collections.defaultdict': 'dict',
  'builtins.dict': 'dict',
  'builtins.list': 'list',
  'builtins.tuple': 'tuple',
  'builtins.set': 'set',
  'builtins.frozenset': 'set',
  'builtins.bytearray': 'bytes',
  'builtins.object': 'type',
  'builtins.int': 'type',
  'builtins.long': 'type',
  'builtins.float': 'type',
  'builtins.bool': 'type',
  'builtins.str': 'type',
  'builtins.unicode': 'type',
  'builtins.bytes': 'type',
  '_codecs.encode': 'bytes',
  'copyreg._reconstructor': 'reconstruct',
  'copy_reg._reconstructor': 'reconstruct',
  'typing.Any': 'type',
  'torch._utils._rebuild_tensor': 'tensor',
  'torch._utils._rebuild_tensor_v2': 'tensor',
  'torch._utils._rebuild_tensor_v3': 'tensor-v3',
  'torch._utils._rebuild_parameter': 'parameter',
  'torch.Size': 'tuple',
  'torch.device': 'description',
  'torch.storage.UntypedStorage': 'type',
  'torch.storage.TypedStorage': 'type',
  'argparse.Namespace': 'description',
};

const PATTERNS: readonly [RegExp, GlobalKind][] = [
  [/^torch\.(Float|Double|Half|BFloat16|Long|Int|Short|Char|Byte|Bool)Storage$/, 'type'],
  [/^torch\.(float|double|half|bfloat|int|uint|long|short|bool)\d{0,2}$/, 'type'],
  [/^omegaconf\.(dictconfig|listconfig|base|nodes)\.[A-Z][A-Za-z]*$/, 'description'],
  [
    /^(pytorch_lightning|lightning(\.(fabric|pytorch))?)\.utilities\.(data|parsing)\.AttributeDict$/,
    'description',
  ],
  [/^transformers\.(models\.[a-z0-9_]+\.)?tokenization_[a-z0-9_]+\.[A-Z][A-Za-z0-9]*$/, 'description'],
  [/^tokenizers(\.[a-z_]+)*\.[A-Z][A-Za-z]*$/, 'description'],
];

/** @param name module and name with a dot between   @returns null for a name that is not allowed */
export function kindOfGlobal(name: string): GlobalKind | null {
  const current = name.replace(/^__builtin__\./, 'builtins.');
  if (Object.hasOwn(EXACT, current)) return EXACT[current];
  return PATTERNS.find(([pattern]) => pattern.test(current))?.[1] ?? null;
}

/** Our names for the element types of PyTorch's storages and dtypes. */
export const ELEMENT_TYPES: Readonly<Record<string, string>> = {
  'torch.FloatStorage': 'float32',
  'torch.DoubleStorage': 'float64',
  'torch.HalfStorage': 'float16',
  'torch.BFloat16Storage': 'bfloat16',
  'torch.LongStorage': 'int64',
  'torch.IntStorage': 'int32',
  'torch.ShortStorage': 'int16',
  'torch.CharStorage': 'int8',
  'torch.ByteStorage': 'uint8',
  'torch.BoolStorage': 'bool',
};
