{%- set streams = {
    'learners': 'learner_id', 'archived_learners': 'learner_id', 'trainee_assessors': 'trainee_assessor_id',
    'assessors': 'assessor_id', 'iqas': 'iqa_id', 'lead_iqas': 'lead_iqa_id', 'employers': 'employer_id',
    'observers': 'observer_id', 'eqas': 'eqa_id', 'centre_monitors': 'centre_monitor_id',
    'user_managers': 'user_manager_id', 'centre_managers': 'centre_manager_id',
} -%}
with everyone as (
    {%- for stream, id in streams.items() if not execute or onefile.tables(stream) or stream == 'learners' %}
    {{ 'union all' if not loop.first }}
    select
        customer, {{ id }} as user_id, organisation_id, role as role_id,
        '{{ stream[:-1] | replace('_', ' ') | replace('iqa', 'IQA') | replace('eqa', 'EQA') }}' as role,
        first_name, last_name, email, placement_id, loaded_at, run_started
    from {{ ref('stg_onefile_' ~ stream) }}
    {%- endfor %}
),

-- Some have an account in several organisations, and whoever changed roles may still stand in the table of the old one.
numbered as (
    select
        *,
        row_number() over (
            partition by customer, user_id
            order by coalesce(run_started, 0) desc, loaded_at desc nulls last, role_id, organisation_id
        ) as place
    from everyone
)

select
    numbered.customer,
    numbered.user_id,
    numbered.organisation_id,
    organisations.name as organisation,
    numbered.role_id,
    numbered.role,
    {{ onefile.full_name('numbered.first_name', 'numbered.last_name') }} as name,
    numbered.email,
    numbered.placement_id
from numbered
left join {{ ref('stg_onefile_organisations') }} as organisations
    on numbered.customer = organisations.customer and numbered.organisation_id = organisations.organisation_id
where numbered.place = 1
