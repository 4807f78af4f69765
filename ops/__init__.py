"""Deploys the function and looks after it: what `make deploy`, `make connect`, `make secret`, `make doctor`, `make logs`,
`make redrive`, `make destroy`, `make backfill` and `make package` run, as `python -m ops COMMAND`.

Options come as environment variables, as make passes them on. Imports go downwards in this list, or to the
right:

    __main__      the command line
    deploy, connect, destroy, backfill, package
    switch, doctor, logs, redrive, secret
    change_set, queue_check, prebuilt, build, preflight, plan, questions
    workspace, dodo, queues, stack
    answers, archive, delivery, elf, event_types, flags, parameters, sbom, secret_rules, states, transforms, venv, web
    aws, hints, trouble, paths

Whatever is printed goes through `hints`, which completes the commands in it.

No value of a secret is ever printed.
"""
