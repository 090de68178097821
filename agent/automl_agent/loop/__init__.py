"""Conversations about projects: who decides is a language model or a planner of rules, and both call the same tools.

`conversation` leads one; every call goes through `calling`, which holds the policy, the limits and the record.
`planning` is the state machine of rules, `native` an agent of LangChain, `actions` a model without tool calls.
"""
