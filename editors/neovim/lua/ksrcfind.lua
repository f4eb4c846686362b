-- The client of ksrcfind's language server, for Neovim 0.7 and later.

local M = {}

--- What `setup` changes. `settings` are those of docs/editors.md.
local config = {
  cmd = { "ksrcfind", "lsp" },
  settings = {},
  code_lens = true,
  follow = 2000, -- Milliseconds between two looks at whether the file of a log grew; false: never.
}

local client_id
local followed = {} -- Buffers with logs, as keys.
local timer

--- The top of the kernel tree around a file, nil if it is in none.
local function kernel_root(file)
  local directory = vim.fn.fnamemodify(file, ":p:h")
  while directory ~= "" do
    if vim.fn.filereadable(directory .. "/MAINTAINERS") == 1 and vim.fn.isdirectory(directory .. "/kernel") == 1 then
      return directory
    end
    local parent = vim.fn.fnamemodify(directory, ":h")
    if parent == directory then
      return nil
    end
    directory = parent
  end
end

--- Open a document that a command returned. Neovim before 0.10 cannot be asked by the server to do so.
local function show(uri)
  vim.cmd("split " .. vim.fn.fnameescape(vim.uri_to_fname(uri)))
  vim.bo.readonly = true
end

--- Ask the server to run a command; `done` gets its answer.
local function execute(command, context, done)
  local client = vim.lsp.get_client_by_id(context.client_id)
  local params = { command = command.command, arguments = command.arguments }
  client.request("workspace/executeCommand", params, function(problem, answer)
    if problem then
      vim.notify("ksrcfind: " .. problem.message, vim.log.levels.WARN)
    elseif answer and answer ~= vim.NIL and done then
      done(answer)
    end
  end, context.bufnr)
end

vim.lsp.commands["ksrcfind.copyAnswer"] = function(command, context)
  execute(command, context, function(answer)
    vim.fn.setreg('"', answer.text)
    pcall(vim.fn.setreg, "+", answer.text)
    vim.notify("ksrcfind: the answer was copied")
  end)
end

for _, name in ipairs({ "ksrcfind.openCommit", "ksrcfind.showLife", "ksrcfind.showCallers" }) do
  vim.lsp.commands[name] = function(command, context)
    execute(command, context, function(answer)
      show(answer.uri)
    end)
  end
end

--- Change how the server is started: `require("ksrcfind").setup({ settings = { repo = "~/linux" } })`.
function M.setup(options)
  config = vim.tbl_deep_extend("force", config, options or {})
end

--- Show lenses from when the server is there on: Neovim 0.7 never asks again after it asked too early.
local function show_lenses(_, buffer)
  if not config.code_lens then
    return
  end
  local function refresh()
    vim.lsp.codelens.refresh()
  end
  vim.api.nvim_buf_call(buffer, refresh)
  vim.api.nvim_create_autocmd({ "BufEnter", "CursorHold", "InsertLeave" }, {
    group = vim.api.nvim_create_augroup("ksrcfind_lens_" .. buffer, {}),
    buffer = buffer,
    callback = refresh,
  })
end

local function start(root, buffer)
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.workspace.configuration = true
  capabilities.window.showDocument = nil -- The commands above show what they return.
  return (vim.lsp.start or vim.lsp.start_client)({
    name = "ksrcfind",
    cmd = config.cmd,
    root_dir = root,
    workspace_folders = { { uri = vim.uri_from_fname(root), name = root } },
    capabilities = capabilities,
    init_options = config.settings,
    settings = { ksrcfind = config.settings },
    on_attach = show_lenses,
    on_exit = function()
      client_id = nil
    end,
  }, { bufnr = buffer })
end

--- Read a log again when its file grows, like `tail -f`, and send the new text to the server.
local function follow(buffer)
  vim.bo[buffer].autoread = true
  followed[buffer] = true
  timer = timer or vim.fn.timer_start(config.follow, function()
    for log in pairs(followed) do
      if not vim.api.nvim_buf_is_loaded(log) then
        followed[log] = nil
      elseif not vim.bo[log].modified and vim.fn.getcmdwintype() == "" then
        vim.cmd("silent! checktime " .. log)
      end
    end
  end, { ["repeat"] = -1 })
end

--- Attach the server to a buffer; it is started with the first. A C file outside of any kernel tree is left alone.
function M.attach(buffer)
  local file = vim.api.nvim_buf_get_name(buffer)
  local root = kernel_root(file)
  if vim.bo[buffer].filetype == "c" and not root then
    return
  end
  client_id = client_id or start(root or vim.fn.getcwd(), buffer)
  if not client_id then
    return
  end
  vim.lsp.buf_attach_client(buffer, client_id)
  if config.follow and vim.bo[buffer].filetype == "dmesg" then
    follow(buffer)
  end
end

--- End the server and attach a new one to the buffers of the old.
function M.restart()
  local buffers = client_id and vim.lsp.get_buffers_by_client_id(client_id) or {}
  if client_id then
    vim.lsp.stop_client(client_id, true)
    client_id = nil
  end
  for _, buffer in ipairs(buffers) do
    M.attach(buffer)
  end
end

return M
