{%- set columns = [
    'customer', 'learner_id', 'organisation_id', 'first_name', 'last_name', 'email', 'misid', 'uln', 'date_of_birth',
    'episode_name', 'status_id', 'assessor_id', 'employer_id', 'placement_id', 'classroom_id', 'started', 'planned_end',
    'progress', 'created_on', 'last_modified', 'loaded_at', 'run_started',
] -%}
with everyone as (
    select {{ columns | join(', ') }}, false as is_archived from {{ ref('stg_onefile_learners') }}
    {%- set archived = ref('stg_onefile_archived_learners') %}
    {%- if onefile.tables('archived_learners') %}
    union all
    select {{ columns | join(', ') }}, true as is_archived from {{ archived }}
    {%- endif %}
),

-- Whoever was archived after a load still stands among the others.
numbered as (
    select
        *,
        row_number() over (
            partition by customer, learner_id
            order by coalesce(run_started, 0) desc, loaded_at desc nulls last, is_archived desc
        ) as place
    from everyone
),

named as (
    select
        learners.*,
        {{ onefile.full_name('learners.first_name', 'learners.last_name') }} as learner,
        organisations.name as organisation,
        statuses.name as status,
        assessors.name as assessor,
        employers.name as employer,
        placements.name as placement,
        classrooms.name as classroom,
        {{ onefile.is_among('statuses.name', 'onefile_statuses_on_break') }} as on_break,
        {{ onefile.is_among('statuses.name', 'onefile_statuses_left') }} or learners.is_archived or coalesce(presence.is_gone, false)
            as has_left,
        not learners.is_archived and coalesce(presence.is_gone, false) as is_gone
    from numbered as learners
    left join {{ ref('stg_onefile_organisations') }} as organisations
        on learners.customer = organisations.customer and learners.organisation_id = organisations.organisation_id
    left join {{ ref('stg_onefile_learner_statuses') }} as statuses
        on learners.customer = statuses.customer
        and learners.organisation_id = statuses.organisation_id
        and learners.status_id = statuses.status_id
    left join {{ ref('int_onefile_people') }} as assessors
        on learners.customer = assessors.customer and learners.assessor_id = assessors.user_id
    left join {{ ref('int_onefile_people') }} as employers
        on learners.customer = employers.customer and learners.employer_id = employers.user_id
    left join {{ ref('stg_onefile_placements') }} as placements
        on learners.customer = placements.customer and learners.placement_id = placements.placement_id
    left join {{ ref('stg_onefile_classrooms') }} as classrooms
        on learners.customer = classrooms.customer and learners.classroom_id = classrooms.classroom_id
    left join {{ ref('int_onefile_presence') }} as presence
        on learners.customer = presence.customer and learners.learner_id = presence.learner_id
    where learners.place = 1
)

select
    customer, learner_id, learner, first_name, last_name, email, misid, uln, date_of_birth, organisation_id, organisation,
    status_id, status, not has_left and not on_break as in_learning, on_break and not has_left as on_break, is_archived, is_gone,
    episode_name, started, planned_end, {{ onefile.rounded('progress', 2) }} as progress, assessor_id, assessor, employer_id,
    employer, placement_id, placement, classroom_id, classroom, created_on, last_modified, loaded_at
from named
