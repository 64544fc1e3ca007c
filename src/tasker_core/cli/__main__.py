from tasker_core.cli import main

main()
