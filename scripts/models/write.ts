// Writes the example models that are not trained into the model store: npm run models:write [-- DIRECTORY]
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeModel, exampleModels } from './example-models.ts';

const store = path.resolve(process.argv[2] ?? fileURLToPath(new URL('../../model_store', import.meta.url)));

for (const model of exampleModels) {
  const directory = path.join(store, model.family, `${model.major}`);
  const bytes = model.write();
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'model.onnx'), bytes);
  await writeFile(path.join(directory, 'model.yaml'), describeModel(model, bytes));
  console.log(`${path.join(directory, 'model.onnx')}: ${bytes.length} bytes`);
}
