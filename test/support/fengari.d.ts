// The part of fengari (Lua in JavaScript) that the tests of Lua scripts call.
declare module 'fengari' {
  interface State {
    readonly opaque: unique symbol;
  }
  type LuaString = Uint8Array;
  interface Fengari {
    to_luastring: (text: string) => LuaString;
    lauxlib: {
      luaL_newstate: () => State;
      luaL_requiref: (state: State, name: LuaString, open: (state: State) => number, global: boolean) => void;
      luaL_dostring: (state: State, script: LuaString) => boolean | number;
    };
    lualib: { luaopen_base: (state: State) => number };
    lua: { lua_tojsstring: (state: State, index: number) => string };
  }
  const fengari: Fengari;
  export default fengari;
}
