/** The bundler's form of the module: its bytes in Base64. */
declare module "*.wasm" {
  const base64: string;
  export default base64;
}
