-- Attaches the language server to kernel logs and to the C files of a kernel tree.

if vim.g.loaded_ksrcfind then
  return
end
vim.g.loaded_ksrcfind = true

local group = vim.api.nvim_create_augroup("ksrcfind", {})
vim.api.nvim_create_autocmd("FileType", {
  group = group,
  pattern = { "dmesg", "c" },
  callback = function(event)
    require("ksrcfind").attach(event.buf)
  end,
})

vim.api.nvim_create_user_command("KsrcfindRestart", function()
  require("ksrcfind").restart()
end, { desc = "Restart ksrcfind's language server" })
